{#- The United States: 842 in the file that a client of 2023 reads, 840 in UNCTAD's other reports. -#}
{{ unctad_indicator(
    'unctad_exchange_rates', 'US.ExchangeRateCrosstab', 'per US dollar', foreign_economies=['840', '842']
) }}

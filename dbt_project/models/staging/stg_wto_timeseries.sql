{#- The publisher calls the whole table estimates, and flags no year of it as preliminary. -#}
{{ wto_services(
    'wto_timeseries', 'ITS_CS_QAX', 'ITS_CS_QAM', "'estimated'",
    "case when source.value_flag_code is not null then concat_ws(': ', source.value_flag_code, source.value_flag) "
    ~ "when source.value is null then source.text_value end"
) }}

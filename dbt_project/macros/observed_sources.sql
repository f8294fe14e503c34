{#-
    The sources of observations: each has a staging model stg_<name>. Written by `make sources` from the
    modules of warehouse/sources/. A unit test of the model that unites them replaces the list by a few.
-#}
{% macro observed_sources() %}
    {{ return([
        'atlas_services',
        'batis',
        'batis_sdmx',
        'bea_services',
        'curated',
        'data360_digital',
        'eurostat_bop',
        'imf_bop',
        'imf_exchange_rates',
        'mofcom_totals',
        'nbs_accounts',
        'ons_services',
        'safe_bop',
        'safe_monthly',
        'unctad_digital',
        'unctad_exchange_rates',
        'unctad_gdp',
        'unctad_goods',
        'unctad_population',
        'unctad_services',
        'unctad_services_annualized',
        'unctad_services_by_partner',
        'unctad_services_quarterly',
        'worldbank_wdi',
        'wto_digital',
        'wto_merchandise',
        'wto_services',
        'wto_timeseries',
        'wto_tismos',
    ]) }}
{% endmacro %}

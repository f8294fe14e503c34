{{ config(materialized='table', by_source=true) }}
-- A table, since several models read it and each would parse the text of all sources again.
-- Each source is one line. A file may be older than its vintage: the part of a pull that failed is an answer of a
-- vintage before.
with observations as (

    select * from {{ ref('stg_atlas_services') }}
    union all
    select * from {{ ref('stg_batis') }}
    union all
    select * from {{ ref('stg_batis_sdmx') }}
    union all
    select * from {{ ref('stg_bea_services') }}
    union all
    select * from {{ ref('stg_curated') }}
    union all
    select * from {{ ref('stg_data360_digital') }}
    union all
    select * from {{ ref('stg_eurostat_bop') }}
    union all
    select * from {{ ref('stg_imf_bop') }}
    union all
    select * from {{ ref('stg_imf_exchange_rates') }}
    union all
    select * from {{ ref('stg_mofcom_totals') }}
    union all
    select * from {{ ref('stg_nbs_accounts') }}
    union all
    select * from {{ ref('stg_ons_services') }}
    union all
    select * from {{ ref('stg_safe_bop') }}
    union all
    select * from {{ ref('stg_safe_monthly') }}
    union all
    select * from {{ ref('stg_unctad_digital') }}
    union all
    select * from {{ ref('stg_unctad_exchange_rates') }}
    union all
    select * from {{ ref('stg_unctad_goods') }}
    union all
    select * from {{ ref('stg_unctad_services') }}
    union all
    select * from {{ ref('stg_unctad_services_by_partner') }}
    union all
    select * from {{ ref('stg_unctad_services_quarterly') }}
    union all
    select * from {{ ref('stg_unctad_gdp') }}
    union all
    select * from {{ ref('stg_unctad_population') }}
    union all
    select * from {{ ref('stg_unctad_services_annualized') }}
    union all
    select * from {{ ref('stg_worldbank_wdi') }}
    union all
    select * from {{ ref('stg_wto_digital') }}
    union all
    select * from {{ ref('stg_wto_merchandise') }}
    union all
    select * from {{ ref('stg_wto_services') }}
    union all
    select * from {{ ref('stg_wto_tismos') }}

),

answers as (

    select * from {{ ref('stg_landing_file') }}

)

select
    observations.*,

    coalesce(
        answers.retrieved_on, cast(substr(observations.vintage, 1, 10) as date)
    ) as retrieved_on
from observations
left join answers
    on
        observations.source = answers.source
        and observations.vintage = answers.vintage
        and split_part(observations._file, '#', 1) = answers.file

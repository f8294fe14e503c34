{{ config(materialized='table') }}
-- A table, since several marts read it, some of them more than once.
with trade as (

    select * from {{ ref('fct_services_trade') }}

),

pivoted as (

    select
        {{ reporter_cell_columns() }},
        service,
        max(case when flow = 'exports' then value_million end) as exports_million,
        max(case when flow = 'imports' then value_million end) as imports_million,
        max(case when flow = 'exports' then status end) as exports_status,
        max(case when flow = 'imports' then status end) as imports_status
    from trade
    group by {{ reporter_cell_columns() }}, service

)

select
    *,
    exports_million + imports_million as total_million
from pivoted

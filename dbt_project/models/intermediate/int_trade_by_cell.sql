{{ config(materialized='table', by_source=true) }}
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
        max(case when flow = 'total' then value_million end) as printed_total_million,
        max(case when flow = 'balance' then value_million end) as printed_balance_million,
        max(case when flow = 'exports' then status end) as exports_status,
        max(case when flow = 'imports' then status end) as imports_status,
        max(case when flow = 'total' then status end) as total_status,
        max(case when flow = 'balance' then status end) as balance_status
    from trade
    group by {{ reporter_cell_columns() }}, service

)

-- a printed total or balance goes before the sum or difference of the flows: publishers round each figure by itself
select
    {{ reporter_cell_columns() }},
    service,
    exports_million,
    imports_million,
    coalesce(printed_total_million, exports_million + imports_million) as total_million,
    coalesce(printed_balance_million, exports_million - imports_million) as balance_million,
    printed_total_million is not null as is_total_published,
    printed_balance_million is not null as is_balance_published,
    exports_status,
    imports_status,
    case
        when printed_total_million is not null then total_status
        when exports_million + imports_million is not null then {{ status_of_both() }}
    end as total_status,
    case
        when printed_balance_million is not null then balance_status
        when exports_million - imports_million is not null then {{ status_of_both() }}
    end as balance_status
from pivoted

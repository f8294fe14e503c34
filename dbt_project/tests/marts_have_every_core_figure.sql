-- Fails where a mart has not as many figures of a source as the core table that it is built from.
with counts as (

    select
        'mart_trade_structure' as mart,
        source,
        1 as in_core,
        0 as in_mart
    from {{ ref('fct_services_trade') }}
    union all
    select
        'mart_trade_structure' as mart,
        source,
        0 as in_core,
        1 as in_mart
    from {{ ref('mart_trade_structure') }}
    where is_published

    union all

    select
        'mart_trade_scale' as mart,
        source,
        1 as in_core,
        0 as in_mart
    from {{ ref('fct_services_trade') }}
    where service = 'S'
    union all
    select
        'mart_trade_scale' as mart,
        source,
        0 as in_core,
        case when exports_million is null then 0 else 1 end + case when imports_million is null then 0 else 1 end
        + case when is_total_published then 1 else 0 end + case when is_balance_published then 1 else 0 end as in_mart
    from {{ ref('mart_trade_scale') }}

    union all

    select
        'mart_revision' as mart,
        source,
        1 as in_core,
        0 as in_mart
    from {{ ref('fct_revision') }}
    union all
    select
        'mart_revision' as mart,
        source,
        0 as in_core,
        1 as in_mart
    from {{ ref('mart_revision') }}

)

select
    mart,
    source,
    sum(in_core) as in_core,
    sum(in_mart) as in_mart
from counts
group by mart, source
having sum(in_core) <> sum(in_mart)

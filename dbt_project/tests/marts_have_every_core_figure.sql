-- Fails where a mart has not as many figures as the core table that it is built from.
with counts as (

    select
        'mart_trade_structure' as mart,
        (select count(*) from {{ ref('fct_services_trade') }}) as in_core,
        (select count(*) from {{ ref('mart_trade_structure') }}) as in_mart

    union all

    select
        'mart_trade_scale' as mart,
        (select count(*) from {{ ref('fct_services_trade') }} where service = 'S') as in_core,
        (select count(exports_million) + count(imports_million) from {{ ref('mart_trade_scale') }}) as in_mart

    union all

    select
        'mart_revision' as mart,
        (select count(*) from {{ ref('fct_revision') }}) as in_core,
        (select count(*) from {{ ref('mart_revision') }}) as in_mart

)

select * from counts
where in_core <> in_mart

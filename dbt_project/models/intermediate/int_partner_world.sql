{{ config(materialized='table', by_source=['fct_services_trade', 'fct_bilateral_services_trade']) }}
-- A table of few columns, so that the marts of partners are made again only when one of these figures has changed.
with worlds as (

    select * from {{ ref('fct_services_trade') }}
    where indicator is null and flow <> 'balance'

),

reporters as (

    select distinct
        source,
        reporter
    from {{ ref('fct_bilateral_services_trade') }}

)

select
    {{ reporter_cell_columns('worlds') }},
    worlds.service,
    worlds.flow,
    worlds.value_million_double
from worlds
inner join reporters
    on
        worlds.source = reporters.source
        and worlds.reporter = reporters.reporter

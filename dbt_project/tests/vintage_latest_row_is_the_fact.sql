-- Fails where the latest row of a figure is not its value in the facts, or a withdrawn figure has a latest row.
with latest as (

    select * from {{ ref('mart_vintage') }}
    where is_latest and partner = 'WLD' and region is null and service not in ('G', 'GS') and not {{ is_mode_of_supply() }}

),

facts as (

    select * from {{ ref('fct_services_trade') }}
    where value_million is not null

)

select
    latest.source,
    latest.series,
    latest.period_label,
    latest.value,
    facts.value_million
from latest
left join facts
    on
        {{ is_of_same_series('latest', 'facts', other_than=('region', 'unit')) }}
        and latest.period_start = facts.period_start
        and latest.period_end = facts.period_end
where
    facts.source is null
    or abs(latest.value - {{ to_double('facts.value_million') }}) > 0.000000001 * abs(latest.value)

{{ config(by_source=['int_trade_by_cell', 'int_items_not_compiled', 'fct_indicator']) }}
{%- set is_printed = {'exports': 'true', 'imports': 'true', 'total': 'is_total_published', 'balance': 'is_balance_published'} %}

with named_sources as (

    select * from {{ ref('dim_source') }}

),

named_reporters as (

    select * from {{ ref('dim_economy') }}

),

cells as (

    select * from {{ ref('int_trade_by_cell') }}

),

services as (

    select * from {{ ref('dim_service') }}

),

preferred as (

    select * from {{ ref('int_preferred_series') }}

),

printed as (

    select * from {{ ref('fct_indicator') }}
    where partner = 'WLD' and region is null and unit = 'pct'

),

trade as (

    {% for flow in ['exports', 'imports', 'total', 'balance'] %}
        select
            {{ reporter_cell_columns() }},
            service,
            '{{ flow }}' as flow,
            {{ flow }}_million as value_million,
            {{ flow }}_status as status,
            {{ is_printed[flow] }} as is_published
        from cells
        where {{ flow }}_million is not null or {{ flow }}_status = '{{ not_compiled() }}'
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

totals as (

    select * from trade
    where service = 'S' and flow <> 'balance'

),

items_not_compiled as (

    select * from {{ ref('int_items_not_compiled') }}

),

with_items as (

    select
        trade.*,
        case trade.flow
            when 'exports' then coalesce(items_not_compiled.exports_items, 0)
            when 'imports' then coalesce(items_not_compiled.imports_items, 0)
            when 'total' then coalesce(items_not_compiled.total_items, 0)
        end as items_not_compiled
    from trade
    left join items_not_compiled on {{ is_same_cell('trade', 'items_not_compiled') }}

)

select
    {{ reporter_cell_columns('trade') }},
    named_sources.title_en as source_name,
    named_reporters.name_en as reporter_name_en,
    named_reporters.name_zh as reporter_name_zh,
    named_reporters.economy_type as reporter_type,
    trade.status,
    trade.service,
    services.name_en as service_name_en,
    services.name_zh as service_name_zh,
    services.level as service_level,
    services.is_main_item,
    services.is_knowledge_intensive,
    services.is_digitally_deliverable,
    trade.flow,
    {{ to_double('trade.value_million') }} as value_million,
    trade.is_published,
    case
        when trade.service = 'S' or {{ is_mix_compiled('trade.items_not_compiled') }}
            then {{ ratio_pct('trade.value_million', 'totals.value_million') }}
    end as share_pct,
    cast(trade.items_not_compiled as integer) as items_not_compiled,
    {{ to_double('printed_share.value') }} as published_share_pct,
    case
        when trade.flow <> 'balance'
            then {{ growth_pct('trade.value_million', 'previous.value_million') }}
    end as growth_pct,
    case
        when trade.flow <> 'balance'
            then {{ is_small_base('trade.value_million', 'previous.value_million') }}
    end as is_small_base,
    {{ to_double('printed_growth.value') }} as published_growth_pct,
    {{ contribution_pp('trade.value_million', 'previous.value_million', 'previous_totals.value_million') }} as growth_contribution_pp,
    preferred.source is not null as is_preferred
from with_items as trade
left join named_sources on trade.source = named_sources.source
left join named_reporters on trade.reporter = named_reporters.economy
left join services on trade.service = services.service
left join totals
    on
        {{ is_same_cell('trade', 'totals') }}
        and trade.flow = totals.flow
left join trade as previous
    on
        {{ is_same_period_of_previous_year('previous', 'trade') }}
        and previous.service = trade.service
        and previous.flow = trade.flow
-- no balance is among the totals: it has no growth to contribute to
left join totals as previous_totals
    on
        {{ is_same_period_of_previous_year('previous_totals', 'trade') }}
        and previous_totals.flow = trade.flow
left join preferred on {{ is_same_cell_in_any_vintage('trade', 'preferred') }}
left join printed as printed_share
    on
        {{ is_printed_of('printed_share', 'trade') }}
        and printed_share.indicator = {{ printed_indicator('share', 'trade.service', 'trade.flow') }}
left join printed as printed_growth
    on
        {{ is_printed_of('printed_growth', 'trade') }}
        and printed_growth.indicator = {{ printed_indicator('growth', 'trade.service', 'trade.flow', 'trade.currency') }}
order by
    trade.source, trade.reporter, trade.service, trade.flow, trade.frequency, trade.period_start, trade.period_end,
    trade.currency, trade.value_type

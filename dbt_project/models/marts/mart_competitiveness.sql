{{ config(by_source=[
    'int_trade_by_cell', 'int_services_whole', 'int_world_trade', 'int_services_concentration', 'int_partner_concentration',
    'int_items_not_compiled',
]) }}
-- Over 150 lines, since five indices rest on the item, the whole, the world and two concentrations.
with named_reporters as (

    select * from {{ ref('dim_economy') }}

),

named_services as (

    select * from {{ ref('dim_service') }}

),

items as (

    select * from {{ ref('int_trade_by_cell') }}
    where exports_million is not null or imports_million is not null

),

totals as (

    select * from {{ ref('int_services_whole') }}

),

worlds as (

    select * from {{ ref('int_world_trade') }}

),

goods as (

    select * from {{ ref('int_goods_total') }}

),

sources as (

    select * from {{ ref('dim_source') }}

),

service_concentrations as (

    select * from {{ ref('int_services_concentration') }}

),

partner_concentrations as (

    select * from {{ ref('int_partner_concentration') }}

),

items_not_compiled as (

    select * from {{ ref('int_items_not_compiled') }}

),

-- the denominator: all services for an item, goods and services for all services
wholes as (

    select
        items.*,
        sources.world_basis,
        coalesce(economies.economy_type in {{ economy_types() }}, false) as is_economy,
        case
            when items.service = 'S' then items.exports_million + goods.exports_million
            when items.service <> 'S' then totals.exports_million
        end as whole_exports,
        case
            when items.service = 'S' or {{ is_mix_compiled('items_not_compiled.exports_items') }}
                then totals.exports_million
        end as services_exports,
        case
            when items.service = 'S' or {{ is_mix_compiled('items_not_compiled.imports_items') }}
                then totals.imports_million
        end as services_imports
    from items
    left join totals on {{ is_same_cell('items', 'totals') }}
    left join items_not_compiled on {{ is_same_cell('items', 'items_not_compiled') }}
    left join sources on items.source = sources.source
    left join named_reporters as economies on items.reporter = economies.economy
    left join goods
        on
            sources.goods_source = goods.source
            and items.reporter = goods.reporter
            and {{ is_same_period_and_currency('items', 'goods') }}

),

-- only an economy is a part of a summed world
shares as (

    select
        wholes.*,
        worlds.whole_exports_million as world_whole_exports,
        worlds.exports_million as world_exports,
        {{ share_of('wholes.exports_million', 'wholes.whole_exports') }} as own_share,
        {{ share_of('worlds.exports_million', 'worlds.whole_exports_million') }} as world_share,
        {{ share_of('wholes.exports_million', 'wholes.services_exports') }} as share_in_exports,
        {{ share_of('wholes.imports_million', 'wholes.services_imports') }} as share_in_imports
    from wholes
    left join worlds
        on
            {{ is_same_world_cell('wholes', 'worlds') }}
            and wholes.service = worlds.service
            -- A comparison and no `or`, with which DuckDB compares every row with every world: a summed world needs an economy.
            and case when wholes.is_economy then 1 else 0 end >= case when worlds.world_basis = 'stated' then 0 else 1 end

),

advantages as (

    select
        *,
        own_share / nullif(world_share, 0) as rca
    from shares

)

select
    {{ reporter_cell_columns('advantages') }},
    sources.title_en as source_name,
    named_reporters.name_en as reporter_name_en,
    named_reporters.name_zh as reporter_name_zh,
    named_reporters.economy_type as reporter_type,
    advantages.service,
    named_services.name_en as service_name_en,
    named_services.name_zh as service_name_zh,
    named_services.level as service_level,
    named_services.is_main_item,
    advantages.exports_status,
    advantages.imports_status,
    advantages.rca,
    (advantages.rca - 1) / (advantages.rca + 1) as rsca,
    case when advantages.rca is not null then advantages.world_basis end as world_basis,
    case
        when advantages.rca is not null then null
        when advantages.world_basis is null then 'the source has no world'
        when
            advantages.world_basis = 'summed' and not advantages.is_economy
            then 'only an economy is compared with a summed world'
        when advantages.exports_million is null then 'no exports of the service'
        when advantages.whole_exports is null then 'no whole of the exports'
        when
            advantages.world_exports is null or advantages.world_whole_exports is null
            then 'no such exports of the world'
        when advantages.rca is null then 'negative exports, or a zero denominator'
    end as rca_reason,
    case
        when
            advantages.exports_million >= 0 and advantages.imports_million >= 0
            and advantages.exports_million + advantages.imports_million > 0
            then
                {{ to_double('advantages.exports_million - advantages.imports_million') }}
                / {{ to_double('advantages.exports_million + advantages.imports_million') }}
    end as tc,
    advantages.share_in_exports - advantages.share_in_imports as mi,
    {{ to_double('service_concentrations.hhi_services') }} as hhi_services,
    {{ to_double('partner_concentrations.hhi_partners') }} as hhi_partners
from advantages
left join sources on advantages.source = sources.source
left join named_reporters on advantages.reporter = named_reporters.economy
left join named_services on advantages.service = named_services.service
left join service_concentrations on {{ is_same_cell('advantages', 'service_concentrations') }}
left join partner_concentrations
    on
        {{ is_same_cell('advantages', 'partner_concentrations') }}
        and advantages.service = partner_concentrations.service
order by
    advantages.source, advantages.reporter, advantages.service, advantages.frequency, advantages.period_start,
    advantages.period_end, advantages.currency, advantages.value_type

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

-- the denominator: all services for an item, goods and services for all services
wholes as (

    select
        items.*,
        case
            when items.service = 'S' then items.exports_million + goods.exports_million
            when items.service <> 'S' then totals.exports_million
        end as whole_exports,
        totals.exports_million as services_exports,
        totals.imports_million as services_imports
    from items
    left join items as totals
        on
            {{ is_same_cell('items', 'totals') }}
            and totals.service = 'S'
    left join sources on items.source = sources.source
    left join goods
        on
            sources.goods_source = goods.source
            and items.reporter = goods.reporter
            and {{ is_same_period_and_currency('items', 'goods') }}

),

-- the publisher's own world row; a sum of reporters would count groups and miss reporters without a figure
worlds as (

    select wholes.*
    from wholes
    inner join sources on wholes.source = sources.source
    where wholes.reporter = 'WLD' and sources.is_world_stated

),

shares as (

    select
        wholes.*,
        {{ share_of('wholes.exports_million', 'wholes.whole_exports') }} as own_share,
        {{ share_of('worlds.exports_million', 'worlds.whole_exports') }} as world_share,
        {{ share_of('wholes.exports_million', 'wholes.services_exports') }} as share_in_exports,
        {{ share_of('wholes.imports_million', 'wholes.services_imports') }} as share_in_imports
    from wholes
    left join worlds
        on
            wholes.source = worlds.source
            and wholes.service = worlds.service
            and wholes.value_type = worlds.value_type
            and {{ is_same_period_and_currency('wholes', 'worlds') }}

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
    advantages.service,
    named_services.name_en as service_name_en,
    named_services.name_zh as service_name_zh,
    advantages.rca,
    (advantages.rca - 1) / (advantages.rca + 1) as rsca,
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

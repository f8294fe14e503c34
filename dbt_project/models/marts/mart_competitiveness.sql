with trade as (

    select * from {{ ref('fct_services_trade') }}
    where flow in ('exports', 'imports')

),

bilateral_exports as (

    select * from {{ ref('fct_bilateral_services_trade') }}
    where flow = 'exports'

),

goods_exports as (

    select
        source,
        reporter,
        frequency,
        period_start,
        period_end,
        currency,
        max(value_million) as exports
    from {{ ref('fct_goods_trade') }}
    where flow = 'exports'
    group by source, reporter, frequency, period_start, period_end, currency
    having count(*) = 1

),

sources as (

    select * from {{ ref('dim_source') }}

),

services as (

    select * from {{ ref('dim_service') }}

),

economies as (

    select * from {{ ref('dim_economy') }}

),

items as (

    select
        source,
        vintage,
        reporter,
        frequency,
        period_start,
        period_end,
        period_label,
        currency,
        value_type,
        service,
        max(case when flow = 'exports' then value_million end) as exports,
        max(case when flow = 'imports' then value_million end) as imports
    from trade
    group by
        source, vintage, reporter, frequency, period_start, period_end, period_label, currency, value_type, service

),

totals as (

    select * from items
    where service = 'S'

),

-- what an item is a part of: services for an item, goods and services for services as a whole
wholes as (

    select
        items.*,
        case
            when items.service = 'S' then items.exports + goods_exports.exports
            when items.service <> 'S' then totals.exports
        end as whole_exports,
        totals.exports as services_exports,
        totals.imports as services_imports
    from items
    left join totals on {{ is_same_cell('items', 'totals') }}
    left join sources on items.source = sources.source
    left join goods_exports
        on
            sources.goods_source = goods_exports.source
            and items.reporter = goods_exports.reporter
            and {{ is_same_period_and_currency('items', 'goods_exports') }}

),

-- the publisher's own world row; a sum of reporters would count aggregates and miss the silent
worlds as (

    select wholes.*
    from wholes
    inner join sources on wholes.source = sources.source
    where wholes.reporter = 'WLD' and sources.is_world_stated

),

shares as (

    select
        wholes.*,
        {{ share_of('wholes.exports', 'wholes.whole_exports') }} as own_share,
        {{ share_of('worlds.exports', 'worlds.whole_exports') }} as world_share,
        {{ share_of('wholes.exports', 'wholes.services_exports') }} as share_in_exports,
        {{ share_of('wholes.imports', 'wholes.services_imports') }} as share_in_imports
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

),

-- the twelve items that EBOPS 2010 divides services into, and no derived one beside them
twelve as (

    select
        items.*,
        sum(items.exports) over (
            partition by
                items.source, items.vintage, items.reporter, items.frequency, items.period_start, items.period_end,
                items.currency, items.value_type
        ) as exports_of_all
    from items
    inner join services on items.service = services.service
    where
        services.parent_service = 'S'
        and not services.is_derived
        and items.exports is not null

),

service_concentrations as (

    select
        source,
        vintage,
        reporter,
        frequency,
        period_start,
        period_end,
        currency,
        value_type,
        -- squares are summed as decimals: doubles would depend on the order of the rows in the last digit
        sum(cast(power({{ share_of('exports', 'exports_of_all') }}, 2) as decimal(38, 18))) as hhi_services
    from twelve
    group by source, vintage, reporter, frequency, period_start, period_end, currency, value_type
    having
        count(*) = (select count(*) from services where services.parent_service = 'S' and not services.is_derived)
        and min(exports) >= 0

),

partner_shares as (

    select
        bilateral_exports.source,
        bilateral_exports.vintage,
        bilateral_exports.reporter,
        bilateral_exports.frequency,
        bilateral_exports.period_start,
        bilateral_exports.period_end,
        bilateral_exports.currency,
        bilateral_exports.value_type,
        bilateral_exports.service,
        bilateral_exports.value_million as exports,
        {{ share_of('bilateral_exports.value_million', 'items.exports') }} as share
    from bilateral_exports
    inner join economies on bilateral_exports.partner = economies.economy
    inner join items
        on
            {{ is_same_cell('bilateral_exports', 'items') }}
            and bilateral_exports.service = items.service
    where economies.economy_type in ('economy', 'dissolved')

),

partner_concentrations as (

    select
        source,
        vintage,
        reporter,
        frequency,
        period_start,
        period_end,
        currency,
        value_type,
        service,
        sum(cast(power(share, 2) as decimal(38, 18))) as hhi_partners
    from partner_shares
    group by source, vintage, reporter, frequency, period_start, period_end, currency, value_type, service
    -- who is not named may be one large partner: of a tenth of the exports, that is 0.01 at most
    having
        min(exports) >= 0
        and sum(cast(share as decimal(38, 18))) between 0.9 and 1.1

)

select
    advantages.source,
    advantages.vintage,
    advantages.reporter,
    advantages.frequency,
    advantages.period_start,
    advantages.period_end,
    advantages.period_label,
    advantages.currency,
    advantages.value_type,
    advantages.service,
    advantages.rca,
    (advantages.rca - 1) / (advantages.rca + 1) as rsca,
    case
        when advantages.exports >= 0 and advantages.imports >= 0 and advantages.exports + advantages.imports > 0
            then
                {{ to_double('advantages.exports - advantages.imports') }}
                / {{ to_double('advantages.exports + advantages.imports') }}
    end as tc,
    advantages.share_in_exports - advantages.share_in_imports as mi,
    {{ to_double('service_concentrations.hhi_services') }} as hhi_services,
    {{ to_double('partner_concentrations.hhi_partners') }} as hhi_partners
from advantages
left join service_concentrations on {{ is_same_cell('advantages', 'service_concentrations') }}
left join partner_concentrations
    on
        {{ is_same_cell('advantages', 'partner_concentrations') }}
        and advantages.service = partner_concentrations.service

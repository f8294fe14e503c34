-- Fails on a share of services that is null though the group and the whole are stated, or that names no source of its whole. The
-- whole of another source is its preferred type of value, whose flows may be fewer than those of the others.
select
    mart.source,
    mart.reporter,
    mart.period_label,
    mart.group_service,
    mart.flow,
    mart.share_of_services_pct,
    mart.services_source
from {{ ref('mart_digital_trade') }} as mart
inner join {{ ref('dim_source') }} as sources on mart.source = sources.source
left join {{ ref('int_services_total') }} as wholes
    on
        sources.services_source = wholes.source
        and mart.reporter = wholes.reporter
        and {{ is_same_period_and_currency('mart', 'wholes') }}
where
    (
        mart.share_of_services_pct is null and mart.flow <> 'balance' and {{ amount_of_flow('mart.flow', 'wholes') }} <> 0
        -- not a condition of the join, which would compare every pair of rows
        and (
            (wholes.source = mart.source and wholes.value_type = mart.value_type)
            or (wholes.source <> mart.source and wholes.preference = 1)
        )
    )
    or (mart.share_of_services_pct is not null) and (mart.services_source is null or mart.services_million is null)

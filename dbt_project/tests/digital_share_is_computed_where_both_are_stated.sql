-- Fails on a share of services that is null though the group and the whole are stated, or that names no source of its whole.
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
left join {{ ref('fct_services_trade') }} as wholes
    on
        sources.services_source = wholes.source
        and mart.reporter = wholes.reporter
        and {{ is_same_period_and_currency('mart', 'wholes') }}
        and mart.flow = wholes.flow
        and wholes.service = 'S'
        and (sources.services_source <> mart.source or mart.value_type = wholes.value_type)
where
    (mart.share_of_services_pct is null and mart.flow <> 'balance' and wholes.value_million <> 0)
    or (mart.share_of_services_pct is not null) and (mart.services_source is null or mart.services_million is null)

{{ config(materialized='table') }}
-- A table, because every claim reads it and the observations are many: the few cells that claims can rest on, of all vintages.

with observations as (

    select * from {{ ref('int_observations_unioned') }}
    where value is not null and frequency = 'A'

),

vintages as (

    select * from {{ ref('int_vintages') }}

),

claims as (

    select * from {{ ref('claim') }}

),

areas as (

    select area as reporter from claims
    union
    select 'WLD' as reporter

),

items as (

    select service from claims
    where service is not null
    union
    select members.service
    from {{ ref('service_group_member') }} as members
    inner join claims on members.group_service = claims.service
    union
    select 'S' as service
    union
    select 'G' as service

),

bounds as (

    select
        min(from_year) as first_year,
        max(to_year) as last_year
    from claims

)

select
    observations.source,
    observations.vintage,
    observations.value_type,
    observations.currency,
    observations.reporter,
    observations.partner,
    observations.region,
    observations.service,
    observations.indicator,
    observations.flow,
    cast(extract(year from observations.period_end) as integer) as period_year,
    observations.unit,
    observations.value
from observations
inner join vintages
    on
        observations.source = vintages.source
        and observations.vintage = vintages.vintage
cross join bounds
where
    extract(year from observations.period_end) between bounds.first_year and bounds.last_year
    and (observations.partner = 'WLD' or observations.service = 'S' or observations.service is null)
    and (observations.region is null or observations.service = 'S' or observations.service is null)
    and (
        observations.reporter in (select areas.reporter from areas)
        -- a rank needs every economy
        or (observations.partner = 'WLD' and observations.service = 'S' and observations.region is null)
    )
    and (
        observations.service in (select items.service from items)
        or observations.indicator in ('NV.SRV.TOTL.ZS', 'NBS.GDP', 'NBS.VA_TERTIARY')
        or observations.indicator like 'growth\_pct.%' escape '\'
        or observations.indicator like 'share\_pct.%' escape '\'
    )

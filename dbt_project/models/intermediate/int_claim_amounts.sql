{{ config(materialized='table') }}
-- A table, because every yearly measure joins it with itself.

with cells as (

    select * from {{ ref('int_claim_cells') }}
    where service is not null and unit = 'million'

),

claims as (

    select * from {{ ref('claim') }}

),

members as (

    select
        members.group_service,
        members.service,
        count(*) over (partition by members.group_service) as members_expected
    from {{ ref('service_group_member') }} as members
    where members.group_service in (select claims.service from claims)

),

published as (

    select
        source,
        vintage,
        value_type,
        currency,
        reporter,
        partner,
        region,
        service,
        period_year,
        false as is_summed,
        max(case when flow = 'exports' then value end) as exports,
        max(case when flow = 'imports' then value end) as imports,
        max(case when flow = 'total' then value end) as total,
        max(case when flow = 'balance' then value end) as balance
    from cells
    group by source, vintage, value_type, currency, reporter, partner, region, service, period_year

),

-- a group of services is added up only where each of its members is there
summed as (

    select
        published.source,
        published.vintage,
        published.value_type,
        published.currency,
        published.reporter,
        published.partner,
        published.region,
        members.group_service as service,
        published.period_year,
        true as is_summed,
        case when count(published.exports) = max(members.members_expected) then sum(published.exports) end as exports,
        case when count(published.imports) = max(members.members_expected) then sum(published.imports) end as imports,
        case when count(published.total) = max(members.members_expected) then sum(published.total) end as total,
        case when count(published.balance) = max(members.members_expected) then sum(published.balance) end as balance
    from published
    inner join members on published.service = members.service
    group by
        published.source, published.vintage, published.value_type, published.currency, published.reporter, published.partner,
        published.region, members.group_service, published.period_year

),

-- what the source publishes under the group's name goes before our sum
groups_unpublished as (

    select summed.*
    from summed
    left join published
        on
            summed.source = published.source
            and summed.vintage = published.vintage
            and summed.value_type = published.value_type
            and summed.currency = published.currency
            and summed.reporter = published.reporter
            and summed.partner = published.partner
            and coalesce(summed.region, '') = coalesce(published.region, '')
            and summed.service = published.service
            and summed.period_year = published.period_year
    where published.source is null

),

amounts as (

    select * from published
    union all
    select * from groups_unpublished

),

completed as (

    select
        source,
        vintage,
        value_type,
        currency,
        reporter,
        partner,
        region,
        service,
        period_year,
        is_summed,
        exports,
        imports,
        coalesce(total, exports + imports) as total,
        coalesce(balance, exports - imports) as balance
    from amounts

)

{% for flow in ['exports', 'imports', 'total', 'balance'] -%}
    select
        source,
        vintage,
        value_type,
        currency,
        reporter,
        partner,
        region,
        service,
        '{{ flow }}' as flow,
        period_year,
        is_summed,
        cast({{ flow }} as decimal(38, 18)) as amount
    from completed
    where {{ flow }} is not null
    {{ 'union all' if not loop.last }}
{% endfor %}

{{ config(materialized='table') }}
{%- set series = 'source, vintage, value_type, currency, reporter' -%}
{%- set cell = 'is_summed, sign, partner, region, service, indicator, flow, period_start, period_end, unit, value, '
    ~ 'row_vintage, _file, _row' -%}
{%- set scope = series ~ ', scope_partner, scope_region, scope_item, scope_flow, period_year' -%}

with base_parts as (

    select * from {{ ref('int_claim_base_parts') }}

),

members as (

    select * from {{ ref('int_claim_members') }}

),

grouped as (

    select
        base_parts.*,
        case members.dimension when 'partner' then members.scope when 'region' then base_parts.partner end as scope_partner,
        case members.dimension when 'partner' then base_parts.region when 'region' then members.scope end as scope_region,
        members.members_expected
    from base_parts
    inner join members
        on
            base_parts.reporter = members.reporter
            and base_parts.period_year = members.period_year
            and (
                (members.dimension = 'partner' and base_parts.partner = members.member and base_parts.region = '-')
                or (members.dimension = 'region' and base_parts.region = members.member and base_parts.partner = 'WLD')
            )

),

counted as (

    select
        *,
        count(case when part_number = 1 then 1 end) over (partition by {{ scope }}) as members_found
    from grouped

),

-- the figure of the partner or region itself has no members
parts as (

    select
        {{ series }},
        partner as scope_partner,
        region as scope_region,
        scope_item,
        scope_flow,
        period_year,
        {{ cell }},
        0 as members
    from base_parts
    union all
    select
        {{ scope }},
        {{ cell }},
        members_expected as members
    from counted
    where members_found = members_expected

),

ordered as (

    select
        *,
        min(members) over (partition by {{ scope }}) as fewest_members,
        concat_ws('|', {{ scope }}) as amount_key
    from parts

)

-- a published figure of a group goes before the sum of its members
select * from ordered
where members = fewest_members

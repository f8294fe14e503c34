{{ config(materialized='table') }}
{%- set placeholders = {
    'flow': 'claims.computed_flow',
    'service': 'claims.service',
    'categories': "case when shares.is_summed and claims.service = 'KIS' then ', the sum of its categories as inferred' "
        ~ "when shares.is_summed then ', the sum of its categories' end",
    'companion': "case when shares.supplier is not null then concat_ws('', ' of ', shares.supplier) end",
    'goods': 'shares.goods',
    'item': 'shares.item',
    'economies': "concat_ws('', shares.economies_ranked, '')",
    'partners': "case when shares.members = 0 then concat_ws('', claims.partner, ' as printed') "
        ~ "else concat_ws('', 'the ', shares.members, ' members of ', claims.group_code) end",
    'regions': 'claims.regions',
    'provinces': "case when shares.members = 0 then 'as printed' else concat_ws('', 'the sum of its ', shares.members, ' provinces') end",
} -%}
{%- set signed_amount = 'case inputs.sign when 1 then amounts.amount when -1 then -amounts.amount end' %}

with inputs as (

    select * from {{ ref('int_claim_inputs') }}

),

amounts as (

    select * from {{ ref('int_claim_amounts') }}

),

measures as (

    select * from {{ ref('claim_measure') }}

),

claims as (

    select * from {{ ref('claim') }}

),

-- the terms of a role are added up; what describes the figure is of its numerator
summed as (

    select
        inputs.claim_id,
        inputs.measure_code,
        inputs.is_printed,
        inputs.source,
        inputs.vintage,
        inputs.value_type,
        inputs.currency,
        inputs.period_year,
        {% for role in ['numerator', 'denominator', 'world_numerator', 'world_denominator'] -%}
            sum(case when inputs.role = '{{ role }}' then {{ signed_amount }} end) as {{ role }},
        {% endfor -%}
        {% for column in ['item', 'is_summed', 'members', 'world_rank', 'economies_ranked'] -%}
            max(case when inputs.role = 'numerator' then amounts.{{ column }} end) as {{ column }},
        {% endfor -%}
        max(case when amounts.source <> inputs.source then concat_ws(' ', amounts.source, amounts.vintage) end) as supplier,
        max(case when inputs.lookup = 'goods' then concat_ws(' ', amounts.source, amounts.vintage) end) as goods
    from inputs
    inner join amounts on inputs.amount_key = amounts.amount_key
    group by
        inputs.claim_id, inputs.measure_code, inputs.is_printed, inputs.source, inputs.vintage, inputs.value_type, inputs.currency,
        inputs.period_year

),

shares as (

    select
        *,
        {{ ratio_pct('numerator', 'denominator') }} as share_pct,
        {{ ratio_pct('world_numerator', 'world_denominator') }} as world_share_pct
    from summed

),

measured as (

    select
        shares.claim_id,
        shares.source,
        shares.vintage,
        shares.value_type,
        shares.currency,
        shares.period_year,
        case when measures.kind = 'amount' then cast(shares.numerator as decimal(38, 18)) end as amount,
        case measures.kind
            when 'share' then shares.share_pct
            when 'index' then shares.share_pct / nullif(shares.world_share_pct, 0)
            when 'rank' then cast(shares.world_rank as double)
            when 'printed' then {{ to_double('shares.numerator') }}
        end as measured,
        {{ filled('measures.basis', placeholders) }} as basis,
        shares.is_printed
    from shares
    inner join measures on shares.measure_code = measures.measure_code and shares.is_printed = measures.is_printed
    inner join claims on shares.claim_id = claims.claim_id

)

select * from measured
where coalesce(measured, {{ to_double('amount') }}) is not null

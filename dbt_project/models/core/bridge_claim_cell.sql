with verdicts as (

    select * from {{ ref('int_claim_verdicts') }}

),

claims as (

    select * from {{ ref('claim') }}

),

inputs as (

    select * from {{ ref('int_claim_inputs') }}

),

amounts as (

    select * from {{ ref('int_claim_amounts') }}

),

parts as (

    select * from {{ ref('int_claim_parts') }}

),

-- the inputs of the series and the years on which the verdict rests
used as (

    select
        verdicts.claim_id,
        verdicts.source as claim_source,
        verdicts.vintage as claim_vintage,
        inputs.measure_code,
        inputs.role,
        inputs.sign,
        inputs.amount_key
    from verdicts
    inner join claims on verdicts.claim_id = claims.claim_id
    inner join inputs
        on
            verdicts.claim_id = inputs.claim_id
            and {{ is_same_series('verdicts', 'inputs') }}
            and verdicts.is_printed = inputs.is_printed
            and (
                inputs.period_year = claims.to_year
                or (inputs.period_year = claims.from_year and claims.span_rule in ('change', 'growth', 'fall'))
                or (inputs.period_year between claims.from_year and claims.to_year and claims.span_rule = 'every_year')
            )

),

-- a rank rests on the amounts of the economies before it as well
with_higher_ranked as (

    select
        claim_id,
        claim_source,
        claim_vintage,
        role,
        sign,
        amount_key
    from used
    union all
    select
        used.claim_id,
        used.claim_source,
        used.claim_vintage,
        'higher_ranked' as role,
        used.sign,
        higher.amount_key
    from used
    inner join amounts on used.amount_key = amounts.amount_key
    inner join amounts as higher
        on
            {{ is_same_series('amounts', 'higher') }}
            and amounts.item = higher.item
            and amounts.flow = higher.flow
            and amounts.period_year = higher.period_year
            and amounts.world_rank > higher.world_rank
    where used.measure_code = 'world_rank' and used.role = 'numerator'

)

select
    used.claim_id,
    used.claim_source,
    used.claim_vintage,
    used.role,
    used.sign * parts.sign as sign,

    parts.source,
    parts.row_vintage as vintage,
    parts.reporter,
    parts.partner,
    nullif(parts.region, '-') as region,
    parts.service,
    parts.indicator,
    nullif(parts.flow, '-') as flow,
    'A' as frequency,
    parts.period_start,
    parts.period_end,
    {{ period_label("'A'", 'parts.period_start', 'parts.period_end') }} as period_label,

    nullif(parts.currency, '') as currency,
    parts.unit,
    parts.value_type,
    parts.value,
    {{ to_double('parts.value') }} as value_double,

    parts._file,
    parts._row
from with_higher_ranked as used
inner join parts on used.amount_key = parts.amount_key
order by
    used.claim_id, used.claim_source, used.claim_vintage, used.role, parts.source, parts.reporter, parts.partner, parts.region,
    parts.service, parts.indicator, parts.flow, parts.period_start

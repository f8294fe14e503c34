{{ config(materialized='table') }}

with claims as (

    select * from {{ ref('claim') }}

),

candidates as (

    select * from {{ ref('int_claim_candidates') }}

),

ranked as (

    select
        candidates.*,
        claims.value as printed,
        claims.unit,
        claims.comparator,
        claims.span_rule,
        {{ claim_verdict('candidates.found_value', 'claims.value', 'claims.unit', 'claims.comparator') }} as verdict,
        row_number() over (
            partition by claims.claim_id, candidates.source, candidates.vintage
            order by
                case when candidates.is_printed then 1 else 2 end,
                case candidates.currency when claims.currency then 1 when 'USD' then 2 when 'CNY' then 3 else 4 end,
                case candidates.value_type when 'balanced' then 1 when 'final' then 2 when 'reported' then 3 else 4 end,
                candidates.currency,
                candidates.value_type,
                candidates.basis
        ) as preference
    from claims
    inner join candidates on claims.claim_id = candidates.claim_id

),

-- what the same vintage states in another currency or value type
others as (

    select
        claim_id,
        source,
        vintage,
        {{ text_list(
            "concat_ws('', round(found_value, 4), ' from ', basis, ' (', trim(concat_ws('', currency, ' ', value_type)), '), ', verdict)",
            "'; '", 'preference'
        ) }} as found_values
    from ranked
    where preference > 1
    group by claim_id, source, vintage

)

select
    ranked.claim_id,
    ranked.source,
    ranked.vintage,
    ranked.value_type,
    ranked.currency,
    ranked.is_printed,
    ranked.found_value,
    ranked.verdict,
    {{ claim_reason('ranked', 'others.found_values') }} as reason
from ranked
left join others
    on
        ranked.claim_id = others.claim_id
        and ranked.source = others.source
        and ranked.vintage = others.vintage
where ranked.preference = 1

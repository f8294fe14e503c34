{%- set placeholders = {
    'area': 'claims.area',
    'partner': 'coalesce(claims.partner, claims.group_code)',
    'regions': 'claims.regions',
    'service': 'claims.service',
    'flow': 'claims.computed_flow',
    'currency': 'claims.currency',
} -%}

with claims as (

    select * from {{ ref('claim') }}

),

claim_terms as (

    select * from {{ ref('claim_term') }}

)

select
    claims.claim_id,
    claim_terms.measure_code,
    claim_terms.is_printed,
    claim_terms.role,
    claim_terms.sign,
    claim_terms.lookup,
    {% for column in ['reporter', 'partner', 'region', 'item', 'flow'] -%}
        {{ filled('claim_terms.' ~ column, placeholders) }} as {{ column }},
    {% endfor -%}
    case when not claim_terms.is_printed then claims.currency end as currency,
    -- a growth rate is printed for its last year alone, and in the claim's currency
    case when claim_terms.is_printed and claims.span_rule = 'growth' then claims.to_year end as growth_year,
    case when claim_terms.is_printed and claims.span_rule = 'growth' then claims.currency end as growth_currency,
    count(*) over (partition by claims.claim_id, claim_terms.is_printed) as terms_expected
from claims
inner join claim_terms on claims.measure_code = claim_terms.measure_code
where
    not claim_terms.is_printed
    or claim_terms.measure_code <> 'level'
    or (claims.span_rule = 'growth' and claims.to_year - claims.from_year = 1)

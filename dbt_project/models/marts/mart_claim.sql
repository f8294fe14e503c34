-- depends_on: {{ ref('bridge_claim_cell') }}
-- The bridge holds the cells of each row, for the trace; it is built from the same verdicts.
with claims as (

    select * from {{ ref('claim') }}

),

verdicts as (

    select * from {{ ref('int_claim_verdicts') }}

),

missing as (

    select * from {{ ref('int_claim_missing') }}

),

bases as (

    select * from {{ ref('claim_basis') }}

),

other_periods as (

    select * from {{ ref('int_claim_other_periods') }}

),

compared as (

    select
        claims.claim_id,
        claims.period as period_label,
        {{ year_start('substr(claims.period, 1, 4)') }} as period_start,
        {{ year_end('right(claims.period, 4)') }} as period_end,
        claims.area,
        claims.measure,
        claims.flow,
        claims.comparator,
        claims.basis_named,
        cast(claims.value as double) as claimed_value,
        claims.unit,
        verdicts.found_value,
        verdicts.source,
        verdicts.vintage,
        verdicts.reason,
        bases.source is not null as is_named_basis,
        coalesce(verdicts.verdict, 'untestable') as verdict,
        {{ verdict_rank("coalesce(verdicts.verdict, 'untestable')") }} as verdict_rank
    from claims
    left join verdicts on claims.claim_id = verdicts.claim_id
    left join bases on claims.basis_named = bases.basis_named and verdicts.source = bases.source

),

-- of the tables of the publisher that the claim names, the best verdict, of the newest vintage
named as (

    select
        claim_id,
        source,
        vintage,
        found_value,
        verdict,
        row_number() over (partition by claim_id order by verdict_rank asc, vintage desc, source asc) as preference
    from compared
    where is_named_basis

)

select
    compared.claim_id,
    compared.period_start,
    compared.period_end,
    compared.period_label,
    compared.area,
    economies.name_en as area_name_en,
    economies.name_zh as area_name_zh,
    compared.measure,
    compared.flow,
    compared.comparator,
    compared.claimed_value,
    compared.unit,
    compared.found_value,
    compared.source,
    named_sources.title_en as source_name,
    compared.vintage,
    compared.basis_named,
    compared.is_named_basis,
    compared.found_value - compared.claimed_value as difference,
    {{ ratio_pct('(compared.found_value - compared.claimed_value)', 'compared.claimed_value') }} as difference_pct,
    compared.verdict,
    {{ verdict_of_rank('min(compared.verdict_rank) over (partition by compared.claim_id)') }} as best_verdict,
    named.source as named_basis_source,
    named.found_value as named_basis_value,
    named.verdict as named_basis_verdict,
    other_periods.source as other_period_source,
    other_periods.vintage as other_period_vintage,
    other_periods.indicator as other_period_indicator,
    other_periods.region as other_period_region,
    other_periods.period_label as other_period_label,
    other_periods.value_pct as other_period_value_pct,
    coalesce(compared.reason, missing.reason) as reason
from compared
left join {{ ref('dim_economy') }} as economies on compared.area = economies.economy
left join {{ ref('dim_source') }} as named_sources on compared.source = named_sources.source
left join missing on compared.claim_id = missing.claim_id
left join named on compared.claim_id = named.claim_id and named.preference = 1
left join other_periods on compared.claim_id = other_periods.claim_id

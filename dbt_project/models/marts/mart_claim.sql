-- depends_on: {{ ref('bridge_claim_cell') }}
-- The bridge holds the cells of each row, for the trace; it is built from the same verdicts.
with claims as (

    select * from {{ ref('claim') }}

),

verdicts as (

    select * from {{ ref('int_claim_verdicts') }}

),

yearly as (

    select * from {{ ref('int_claim_yearly') }}

),

-- for an untestable claim: the years in which a source has its inputs
years_found as (

    select distinct
        claim_id,
        source,
        period_year
    from yearly

),

sources_found as (

    select
        claim_id,
        source,
        string_agg(cast(period_year as {{ dbt.type_string() }}), ', ' order by period_year) as years
    from years_found
    group by claim_id, source

),

coverage as (

    select
        claim_id,
        string_agg(concat(source, ' ', years), '; ' order by source) as sources
    from sources_found
    group by claim_id

)

select
    claims.claim_id,
    claims.period as period_label,
    claims.area,
    claims.measure,
    cast(claims.value as double) as claimed_value,
    claims.unit,
    verdicts.found_value,
    verdicts.source,
    verdicts.vintage,
    verdicts.found_value - cast(claims.value as double) as difference,
    {{ ratio_pct('(verdicts.found_value - cast(claims.value as double))', 'cast(claims.value as double)') }} as difference_pct,
    coalesce(verdicts.verdict, 'untestable') as verdict,
    coalesce(
        verdicts.reason,
        concat(
            'Missing: ', claims.needs, '.',
            case when coverage.sources is not null then concat(' At hand: ', coverage.sources, '.') end
        )
    ) as reason
from claims
left join verdicts on claims.claim_id = verdicts.claim_id
left join coverage on claims.claim_id = coverage.claim_id

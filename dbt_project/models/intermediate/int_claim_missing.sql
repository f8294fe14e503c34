with claims as (

    select * from {{ ref('claim') }}

),

yearly as (

    select * from {{ ref('int_claim_yearly') }}

),

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
        string_agg(concat_ws(' ', source, years), '; ' order by source) as sources
    from sources_found
    group by claim_id

),

addresses as (

    select
        claim_id,
        string_agg(concat_ws(' ', publisher_table, source_url), '; ' order by publisher_table) as tables
    from {{ ref('claim_address') }}
    group by claim_id

)

select
    claims.claim_id,
    concat_ws(
        '',
        'Missing: ', claims.needs, '.',
        case when coverage.sources is not null then concat_ws('', ' At hand: ', coverage.sources, '.') end,
        case when addresses.tables is not null then concat_ws('', ' Published at: ', addresses.tables) end
    ) as reason
from claims
left join coverage on claims.claim_id = coverage.claim_id
left join addresses on claims.claim_id = addresses.claim_id

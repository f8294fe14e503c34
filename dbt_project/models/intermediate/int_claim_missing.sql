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
        {{ text_list('cast(period_year as ' ~ dbt.type_string() ~ ')', "', '", 'period_year') }} as years
    from years_found
    group by claim_id, source

),

coverage as (

    select
        claim_id,
        {{ text_list("concat_ws(' ', source, years)", "'; '", 'source') }} as sources
    from sources_found
    group by claim_id

),

addresses as (

    select
        claim_id,
        {{ text_list("concat_ws(' ', publisher_table, source_url)", "'; '", 'publisher_table') }} as tables
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

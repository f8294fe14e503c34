{%- set cell = ['reporter', 'period_start'] %}
-- A partner has rank 1 only where the named partners are most of the world: see mart_trade_partner.
with largest as (

    select * from {{ ref('mart_trade_partner') }}
    where
        frequency = 'A'
        and currency = 'USD'
        and service = 'S'
        and flow in ('exports', 'imports')
        and partner_rank = 1

),

series as (

    {{ one_series('largest', cell, 'count(distinct largest.flow) desc, max(largest.partners_counted) desc') }}

),

-- of partners that share a rank, the first by code
ranked as (

    select
        largest.*,
        row_number() over (
            partition by largest.reporter, largest.period_start, largest.flow order by largest.partner
        ) as position
    from largest
    inner join series on {{ is_of_series('series', 'largest', cell) }}

)

select
    reporter,
    period_start,
    source,
    vintage,
    value_type,
    max(case when flow = 'exports' then partner end) as top_exports_partner,
    max(case when flow = 'exports' then partner_name_en end) as top_exports_partner_name_en,
    max(case when flow = 'exports' then partner_name_zh end) as top_exports_partner_name_zh,
    max(case when flow = 'exports' then share_pct end) as top_exports_partner_share_pct,
    max(case when flow = 'imports' then partner end) as top_imports_partner,
    max(case when flow = 'imports' then partner_name_en end) as top_imports_partner_name_en,
    max(case when flow = 'imports' then partner_name_zh end) as top_imports_partner_name_zh,
    max(case when flow = 'imports' then share_pct end) as top_imports_partner_share_pct
from ranked
where position = 1
group by reporter, period_start, source, vintage, value_type

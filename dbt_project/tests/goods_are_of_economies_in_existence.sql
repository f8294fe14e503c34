{{ config(severity='warn') }}
-- Warns on goods of an economy in a year of which no day lies within its dates in dim_economy: the code stands for another
-- territory, or the dates are wrong. A series that begins with a predecessor is in the seed economy_predecessor. It warns only, since a
-- publisher's table with one such series is right in all others.
with goods as (

    select * from {{ ref('fct_goods_trade') }}

),

economies as (

    select * from {{ ref('dim_economy') }}

),

predecessors as (

    select * from {{ ref('economy_predecessor') }}

)

select
    goods.source,
    goods.reporter,
    economies.name_en,
    economies.valid_from,
    economies.valid_to,
    min(goods.period_label) as first_period,
    max(goods.period_label) as last_period,
    count(*) as figures
from goods
inner join economies on goods.reporter = economies.economy
left join predecessors on goods.reporter = predecessors.economy
where
    goods.period_start > economies.valid_to
    or goods.period_end < coalesce({{ year_start('predecessors.first_year') }}, economies.valid_from)
group by goods.source, goods.reporter, economies.name_en, economies.valid_from, economies.valid_to

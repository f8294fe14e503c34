-- The rule of lateness, as `warehouse.alerts.last_due` has it: of the releases that the calendar expects, the newest whose
-- days of grace are over. A source is late that has no vintage of the day from which that release counts, or later.
with calendar as (

    select * from {{ ref('release_calendar') }}

),

vintages as (

    select
        source,
        max(vintage) as newest_vintage,
        max(vintage_date) as newest_vintage_date
    from {{ ref('stg_landing_vintage') }}
    where vintage_date <= cast('{{ var("as_of") }}' as date)
    group by source

),

years as (

    {% for years_ago in [0, 1, 2] -%}
        select cast(extract(year from cast('{{ var("as_of") }}' as date)) as integer) - {{ years_ago }} as calendar_year
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

months as (

    select
        calendar.*,
        make_date(years.calendar_year, calendar.month, 1) as month_start
    from calendar
    cross join years

),

-- 29 February is the 28th of a year that has none
expected as (

    select
        source,
        early_days,
        grace_days,
        least(cast({{ dbt.dateadd('day', 'day - 1', 'month_start') }} as date), last_day(month_start)) as due_on
    from months

),

over_grace as (

    select
        *,
        row_number() over (partition by source order by due_on desc) as newest
    from expected
    where cast({{ dbt.dateadd('day', 'grace_days', 'due_on') }} as date) < cast('{{ var("as_of") }}' as date)

),

due as (

    select
        source,
        due_on,
        cast({{ dbt.dateadd('day', '-early_days', 'due_on') }} as date) as counts_from,
        grace_days
    from over_grace
    where newest = 1

)

select
    due.source,
    due.due_on,
    due.counts_from,
    due.grace_days,
    vintages.newest_vintage,
    coalesce(vintages.newest_vintage_date < due.counts_from, true) as is_late
from due
left join vintages on due.source = vintages.source

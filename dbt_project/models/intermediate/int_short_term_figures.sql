{{ config(materialized='table', by_source=['int_trade_by_cell']) }}
-- A table, since the seasonal adjustment and the mart read it.
{%- set flows = ['exports', 'imports', 'total', 'balance'] %}
{%- set is_printed = {'exports': 'true', 'imports': 'true', 'total': 'is_total_published', 'balance': 'is_balance_published'} %}

with cells as (

    select * from {{ ref('int_trade_by_cell') }}
    where frequency in ('Q', 'M', 'C')

),

figures as (

    {% for flow in flows %}
        select
            {{ reporter_cell_columns() }},
            service,
            '{{ flow }}' as flow,
            {{ flow }}_million as value_million,
            {{ flow }}_status as status,
            {{ is_printed[flow] }} as is_published,
            {% if flow in ['exports', 'imports'] -%}
                {{ last_digit_million(flow ~ '_million') }} as printed_unit_million
            {%- else -%}
                case
                    when {{ is_printed[flow] }} then {{ last_digit_million(flow ~ '_million') }}
                    else greatest({{ last_digit_million('exports_million') }}, {{ last_digit_million('imports_million') }})
                end as printed_unit_million
            {%- endif %}
        from cells
        where {{ flow }}_million is not null or {{ flow }}_status = '{{ not_compiled() }}'
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

-- from January to a month of the same year; the source may have spans of several years
cumulative as (

    select
        *,
        extract(year from period_end) * 12 + extract(month from period_end) as last_month
    from figures
    where
        frequency = 'C'
        and extract(month from period_start) = 1
        and extract(year from period_start) = extract(year from period_end)

),

-- 1 as printed, 2 January, which is its own cumulative figure, 3 a difference
candidates as (

    select
        {{ reporter_cell_columns() }},
        service,
        flow,
        value_million,
        status,
        is_published,
        false as is_derived,
        1 as preference
    from figures
    where frequency in ('Q', 'M')
    union all
    select
        source,
        vintage,
        reporter,
        'M' as frequency,
        period_start,
        period_end,
        {{ period_label("'M'", 'period_start', 'period_end') }} as period_label,
        currency,
        value_type,
        service,
        flow,
        value_million,
        status,
        is_published,
        false as is_derived,
        2 as preference
    from cumulative
    where extract(month from period_end) = 1
    union all
    select
        longer.source,
        longer.vintage,
        longer.reporter,
        'M' as frequency,
        {{ month_start('longer.period_end') }} as period_start,
        longer.period_end,
        {{ period_label("'M'", 'longer.period_end', 'longer.period_end') }} as period_label,
        longer.currency,
        longer.value_type,
        longer.service,
        longer.flow,
        longer.value_million - shorter.value_million as value_million,
        nullif(
            concat_ws('; ', longer.status, case when shorter.status <> coalesce(longer.status, '') then shorter.status end), ''
        ) as status,
        false as is_published,
        true as is_derived,
        3 as preference
    from cumulative as longer
    inner join cumulative as shorter
        on
            longer.source = shorter.source
            and longer.vintage = shorter.vintage
            and longer.reporter = shorter.reporter
            and longer.currency = shorter.currency
            and longer.value_type = shorter.value_type
            and longer.service = shorter.service
            and longer.flow = shorter.flow
            and longer.period_start = shorter.period_start
            and longer.last_month = shorter.last_month + 1
    -- a month is not derived from figures that were rounded to more than {{ most_rounding_pct() }} % of it
    where
        (longer.flow = 'balance' or longer.value_million >= shorter.value_million)
        and coalesce(longer.printed_unit_million, 0) + coalesce(shorter.printed_unit_million, 0)
        <= abs(longer.value_million - shorter.value_million) * {{ most_rounding_pct() }} / 100

),

ordered as (

    select
        *,
        row_number() over (
            partition by source, reporter, frequency, period_start, currency, value_type, service, flow
            order by preference
        ) as choice
    from candidates

)

select
    {{ reporter_cell_columns() }},
    service,
    flow,
    value_million,
    status,
    is_published,
    is_derived
from ordered
where choice = 1

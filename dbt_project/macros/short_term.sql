{#-
    Building blocks of mart_trade_short_term. Months are counted from year 0, so that a window over a series by `month_number`
    finds the previous period, the year before and the year so far without a join, and never steps over a gap.

    most_rounding_pct()          the largest part of a derived month, in percent, that rounding of its cumulative figures may be
    month_start(day)             the first day of the month of a day
    month_number(day)            months from year 0
    short_term_series(...)       the window over one series in the order of time
    amount_before(amount, n)     the amount of the period that starts n months earlier; null where there is none
    amount_of_year(n)            the sum over a year of quarters or months, the last of which starts n months earlier; null unless
                                 all are there
    is_same_series_of_reporter   the join condition between relations with figures of one source, vintage, economy, currency, kind
                                 and service
-#}
{% macro most_rounding_pct() -%} 1 {%- endmacro %}

{% macro month_start(day) -%}
    make_date(cast(extract(year from {{ day }}) as integer), cast(extract(month from {{ day }}) as integer), 1)
{%- endmacro %}

{% macro month_number(day) -%}
    cast(extract(year from {{ day }}) * 12 + extract(month from {{ day }}) as integer)
{%- endmacro %}

{% macro short_term_series(part=none) -%}
    partition by source, reporter, currency, value_type, service, flow, frequency{{ ', ' ~ part if part }} order by month_number
{%- endmacro %}

{% macro amount_before(amount, months) -%}
    max({{ amount }}) over ({{ short_term_series() }} range between {{ months }} preceding and {{ months }} preceding)
{%- endmacro %}

{% macro amount_of_year(months) -%}
    {%- set last = (months ~ ' preceding') if months else 'current row' -%}
    {%- set frame = '(' ~ short_term_series() ~ ' range between ' ~ (months + 11) ~ ' preceding and ' ~ last ~ ')' -%}
    case
        when count(value_million) over {{ frame }} = case frequency when 'Q' then 4 when 'M' then 12 end
            then sum(value_million) over {{ frame }}
    end
{%- endmacro %}

{% macro is_same_series_of_reporter(left_relation, right_relation) -%}
{{ left_relation }}.source = {{ right_relation }}.source
    and {{ left_relation }}.vintage = {{ right_relation }}.vintage
    and {{ left_relation }}.reporter = {{ right_relation }}.reporter
    and {{ left_relation }}.currency = {{ right_relation }}.currency
    and {{ left_relation }}.value_type = {{ right_relation }}.value_type
    and {{ left_relation }}.service = {{ right_relation }}.service
{%- endmacro %}

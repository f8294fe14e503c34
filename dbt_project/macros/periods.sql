{#-
    Periods. A is a year, Q a quarter, M a month, C a cumulative span from January; each is a first and a
    last day, and one label: 2021, 2021-Q3, 2021-08, 2021-01/2021-11.

    is_ended(period_end, retrieved_on)   true where the period had ended on the day on which its file left the
                                         publisher (UTC). A figure of a period that had not, or that lies in the
                                         future, is the sum of the months so far, or a forecast.
-#}
{% macro is_ended(period_end, retrieved_on) -%}
    {{ period_end }} < {{ retrieved_on }}
{%- endmacro %}

{% macro year_start(year) -%}
    make_date(cast({{ year }} as integer), 1, 1)
{%- endmacro %}

{% macro year_end(year) -%}
    make_date(cast({{ year }} as integer), 12, 31)
{%- endmacro %}

{% macro year_and_month(day) -%}
    concat(extract(year from {{ day }}), '-', lpad(cast(extract(month from {{ day }}) as {{ dbt.type_string() }}), 2, '0'))
{%- endmacro %}

{% macro period_label(frequency, period_start, period_end) -%}
    case {{ frequency }}
        when 'A' then concat(extract(year from {{ period_start }}), '')
        when 'Q' then concat(extract(year from {{ period_start }}), '-Q', extract(quarter from {{ period_start }}))
        when 'M' then {{ year_and_month(period_start) }}
        when 'C' then concat({{ year_and_month(period_start) }}, '/', {{ year_and_month(period_end) }})
        else {{ raise_error("concat('unknown frequency ''', coalesce(" ~ frequency ~ ", '(empty)'), '''')") }}
    end
{%- endmacro %}

{% macro quarter_last_month(year, quarter) -%}
    make_date(cast({{ year }} as integer), 3 * cast({{ quarter }} as integer), 1)
{%- endmacro %}

{% macro quarter_start(year, quarter) -%}
    make_date(cast({{ year }} as integer), 3 * cast({{ quarter }} as integer) - 2, 1)
{%- endmacro %}

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

{#- The three columns of a calendar year. -#}
{% macro annual_period(year) -%}
    'A' as frequency,
    {{ year_start(year) }} as period_start,
    {{ year_end(year) }} as period_end
{%- endmacro %}

{% macro year_and_month(day) -%}
    concat_ws('', extract(year from {{ day }}), '-', lpad(cast(extract(month from {{ day }}) as {{ dbt.type_string() }}), 2, '0'))
{%- endmacro %}

{% macro period_label(frequency, period_start, period_end) -%}
    case {{ frequency }}
        when 'A' then concat_ws('', extract(year from {{ period_start }}), '')
        when 'Q' then concat_ws('', extract(year from {{ period_start }}), '-Q', extract(quarter from {{ period_start }}))
        when 'M' then {{ year_and_month(period_start) }}
        when 'C' then concat_ws('', {{ year_and_month(period_start) }}, '/', {{ year_and_month(period_end) }})
        else {{ raise_error("concat_ws('', 'unknown frequency ''', coalesce(" ~ frequency ~ ", '(empty)'), '''')") }}
    end
{%- endmacro %}

{% macro quarter_last_month(year, quarter) -%}
    make_date(cast({{ year }} as integer), 3 * cast({{ quarter }} as integer), 1)
{%- endmacro %}

{% macro quarter_start(year, quarter) -%}
    make_date(cast({{ year }} as integer), 3 * cast({{ quarter }} as integer) - 2, 1)
{%- endmacro %}

{#- The first day of a month written as 2021-08. -#}
{% macro month_of(period) -%}
    make_date(cast(substr({{ period }}, 1, 4) as integer), cast(substr({{ period }}, 6, 2) as integer), 1)
{%- endmacro %}

{#- The first and the last day of a period written as 2021 or 2021Q3; null for any other text. -#}
{% macro year_or_quarter_start(period) -%}
    case length({{ period }})
        when 4 then {{ year_start(period) }}
        when 6 then {{ quarter_start('substr(' ~ period ~ ', 1, 4)', 'substr(' ~ period ~ ', 6, 1)') }}
    end
{%- endmacro %}

{% macro year_or_quarter_end(period) -%}
    case length({{ period }})
        when 4 then {{ year_end(period) }}
        when 6 then last_day({{ quarter_last_month('substr(' ~ period ~ ', 1, 4)', 'substr(' ~ period ~ ', 6, 1)') }})
    end
{%- endmacro %}

{#- The first and the last day of an SDMX period: 2021, 2021-Q3, 2021-08 or 2021-M08. -#}
{% macro sdmx_period_start(period) -%}
    case
        when length({{ period }}) = 4 then {{ year_start(period) }}
        when substr({{ period }}, 6, 1) = 'Q' then {{ quarter_start('substr(' ~ period ~ ', 1, 4)', 'substr(' ~ period ~ ', 7, 1)') }}
        else {{ month_of('replace(' ~ period ~ ", 'M', '')") }}
    end
{%- endmacro %}

{% macro sdmx_period_end(period) -%}
    case
        when length({{ period }}) = 4 then {{ year_end(period) }}
        when substr({{ period }}, 6, 1) = 'Q' then last_day({{ quarter_last_month('substr(' ~ period ~ ', 1, 4)', 'substr(' ~ period ~ ', 7, 1)') }})
        else last_day({{ month_of('replace(' ~ period ~ ", 'M', '')") }})
    end
{%- endmacro %}

{#- An SDMX value as a decimal; null for a mark without a figure, NO_OBSERVATION of formats/sdmx.py. -#}
{% macro sdmx_value(value) -%}
    case when {{ value }} not in ('NaN', '#N/A', ':') then cast({{ value }} as decimal(38, 18)) end
{%- endmacro %}

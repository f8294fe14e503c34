{#
    The arithmetic that every mart shares, so that a measure is the same number wherever it is printed.
    It keeps amounts in exact decimals until the last step, and hands BI tools doubles.
    It refuses to print a ratio that has no meaning: a missing or zero denominator gives null.
#}

{% macro to_double(amount) -%}
{#- The double nearest to a decimal. Through text, since a direct cast of DECIMAL(38,18) divides two
    rounded numbers and is then one unit in the last place off for some published figures. -#}
cast(cast({{ amount }} as varchar) as double)
{%- endmacro %}

{% macro ratio_pct(numerator, denominator) -%}
{#- 100 x numerator / denominator in percent; null where either is missing or the denominator is zero.
    Divided before it is multiplied, so that a thing is exactly 100 percent of itself. -#}
case
    when {{ denominator }} <> 0
        then {{ to_double(numerator) }} / {{ to_double(denominator) }} * 100
end
{%- endmacro %}

{% macro growth_pct(current_amount, previous_amount) -%}
{#- 100 x (current - previous) / previous in percent, the difference taken exactly; null where either is
    missing or the previous is not positive: from zero there is no rate, and from a negative amount
    (SAFE prints a few such values) its sign would say the opposite of what happened. -#}
case
    when {{ previous_amount }} > 0
        then {{ to_double(current_amount ~ ' - ' ~ previous_amount) }} / {{ to_double(previous_amount) }} * 100
end
{%- endmacro %}

{% macro is_same_period_of_previous_year(previous, current_row) -%}
{#- The join condition between two relations of one shape: same series, one year earlier. Frequencies never
    mix, and of two cumulative periods that start together only those that end in the same month are paired. -#}
{{ previous }}.source = {{ current_row }}.source
    and {{ previous }}.reporter = {{ current_row }}.reporter
    and {{ previous }}.currency = {{ current_row }}.currency
    and {{ previous }}.frequency = {{ current_row }}.frequency
    and {{ previous }}.period_start = cast({{ dbt.dateadd('year', -1, current_row ~ '.period_start') }} as date)
    and extract(month from {{ previous }}.period_end) = extract(month from {{ current_row }}.period_end)
{%- endmacro %}

{% macro amount_of_flow(flow, cell) -%}
{#- The amount of one flow from a relation that has exports and imports side by side. -#}
case {{ flow }}
    when 'exports' then {{ cell }}.exports_million
    when 'imports' then {{ cell }}.imports_million
    when 'total' then {{ cell }}.exports_million + {{ cell }}.imports_million
end
{%- endmacro %}

{#
    The arithmetic of the measures, shared by all marts. Amounts are exact decimals until the last step, which gives
    doubles for BI tools. A ratio with a missing or zero denominator is null.
#}

{% macro to_double(amount) -%}
{#- The double nearest to a decimal. Through text, since a direct cast of DECIMAL(38,18) divides two
    rounded numbers and is then one unit in the last place off for some published figures. -#}
cast(cast({{ amount }} as {{ dbt.type_string() }}) as double)
{%- endmacro %}

{% macro ratio_pct(numerator, denominator) -%}
{#- 100 x numerator / denominator in percent; null where either is missing or the denominator is zero.
    Divided before multiplying, so that a value is exactly 100 percent of itself. -#}
case
    when {{ denominator }} <> 0
        then {{ to_double(numerator) }} / {{ to_double(denominator) }} * 100
end
{%- endmacro %}

{% macro per_head(amount_million, population_thousand) -%}
{#- The amount per inhabitant in units of its currency, from millions of it and thousands of persons; null where either is
    missing or the population is zero. -#}
case
    when {{ population_thousand }} <> 0
        then {{ to_double(amount_million) }} / {{ to_double(population_thousand) }} * 1000
end
{%- endmacro %}

{% macro growth_pct(current_amount, previous_amount) -%}
{#- 100 x (current - previous) / previous in percent, the difference taken exactly; null where either is
    missing or the previous is not positive: from zero there is no rate, and from a negative amount
    (SAFE prints a few) the rate would have the wrong sign. -#}
case
    when {{ previous_amount }} > 0
        then {{ to_double(current_amount ~ ' - ' ~ previous_amount) }} / {{ to_double(previous_amount) }} * 100
end
{%- endmacro %}

{#- A printed rate that rounding alone may move by more percentage points than this is not tested: mart_published_rate. -#}
{% macro most_rounding_pp() -%} 5 {%- endmacro %}

{% macro contribution_pp(current_amount, previous_amount, previous_whole) -%}
{#- 100 x (current - previous) / previous whole, in percentage points of the growth of the whole, the difference taken exactly; null
    where one of the three is missing or the whole is not positive, as for growth_pct. -#}
case
    when {{ previous_whole }} > 0
        then {{ to_double(current_amount ~ ' - ' ~ previous_amount) }} / {{ to_double(previous_whole) }} * 100
end
{%- endmacro %}

{% macro is_same_period_of_previous_year(previous, current_row) -%}
{#- The join condition between two relations of one shape: same series, one year earlier. Frequencies never
    mix, and of two cumulative periods that start together only those that end in the same month are paired. -#}
{{ previous }}.source = {{ current_row }}.source
    and {{ previous }}.reporter = {{ current_row }}.reporter
    and {{ previous }}.currency = {{ current_row }}.currency
    and {{ previous }}.value_type = {{ current_row }}.value_type
    and {{ previous }}.frequency = {{ current_row }}.frequency
    and {{ previous }}.period_start = cast({{ dbt.dateadd('year', -1, current_row ~ '.period_start') }} as date)
    and extract(month from {{ previous }}.period_end) = extract(month from {{ current_row }}.period_end)
{%- endmacro %}

{% macro status_of_both() -%}
{#- The status of a figure computed from exports and imports: theirs, and of each flow where they differ. -#}
case
    when exports_status = imports_status or imports_status is null then exports_status
    when exports_status is null then imports_status
    when exports_status <> imports_status then concat_ws('', 'exports ', exports_status, ', imports ', imports_status)
end
{%- endmacro %}

{% macro amount_of_flow(flow, cell) -%}
{#- The amount of one flow from a relation that has the four flows side by side. -#}
case {{ flow }}
    when 'exports' then {{ cell }}.exports_million
    when 'imports' then {{ cell }}.imports_million
    when 'total' then {{ cell }}.total_million
    when 'balance' then {{ cell }}.balance_million
end
{%- endmacro %}

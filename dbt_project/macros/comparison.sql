{#
    Building blocks of the comparisons between publishers: mart_reconciliation and mart_mirror.
#}

{#- The number of common periods from which on a difference counts as lasting: one alone may be a late revision. -#}
{% macro least_periods_apart() -%} 2 {%- endmacro %}

{% macro last_digit_million(amount) -%}
{#- One unit of the last digit of an amount that is not zero, in millions: 0.001 for 394272.573, 100 for 54200. Null for zero. -#}
case
    when {{ amount }} = 0 then null
    when {{ amount }} = floor({{ amount }})
        then cast(
            concat_ws('', '1', repeat('0', length({{ whole_digits(amount) }}) - length(trim(trailing '0' from {{ whole_digits(amount) }}))))
            as decimal(38, 18)
        )
    else cast(
        concat_ws('', '0.', repeat('0', length(trim(trailing '0' from {{ decimal_digits(amount) }})) - 1), '1')
        as decimal(38, 18)
    )
end
{%- endmacro %}

{#- The digits of an amount before and after the decimal point, as text. -#}
{% macro whole_digits(amount) -%}
    cast(cast(floor({{ amount }}) as decimal(38, 0)) as {{ dbt.type_string() }})
{%- endmacro %}

{% macro decimal_digits(amount) -%}
    split_part(cast({{ amount }} as {{ dbt.type_string() }}), '.', 2)
{%- endmacro %}

{#- An amount in US dollars, as a double: in dollars as it is, else by the rate of its period, in units of the currency for a dollar. -#}
{% macro in_usd(amount, currency, rate) -%}
    case when {{ currency }} = 'USD' then {{ to_double(amount) }} else {{ to_double(amount) }} / {{ to_double(rate) }} end
{%- endmacro %}

{#- Why one of two amounts of a period has no value in US dollars; null where both have. -#}
{% macro reason_without_usd(frequency, amounts) -%}
    case
        {%- for currency, rate in amounts %}
        when {{ currency }} <> 'USD' and {{ rate }} is null
            then concat_ws(
                '', 'no exchange rate for ', {{ currency }},
                case when {{ frequency }} = 'C' then ': none is published for a span of months' end
            )
        {%- endfor %}
    end
{%- endmacro %}

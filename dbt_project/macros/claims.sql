{#-
    The verdict on a published claim.

    reproduced  rounded half up to the digits that the claim prints it is the claim's figure; or, for a
                comparator, the comparator holds: > above the figure, falling and rising by the sign of the change
    near        not that, but within 5 % of the claimed value; within 1 point for a unit that is a percentage
    differs     neither; a direction is never near
-#}
{% macro claim_verdict(found, printed, unit, comparator) -%}
    case
        when {{ comparator }} = 'falling' then case when {{ found }} < 0 then 'reproduced' else 'differs' end
        when {{ comparator }} = 'rising' then case when {{ found }} > 0 then 'reproduced' else 'differs' end
        when {{ comparator }} = '>' and {{ found }} > cast({{ printed }} as double) then 'reproduced'
        when {{ comparator }} in ('=', '~')
            and floor({{ found }} * power(10, {{ digits_printed(printed) }}) + 0.5)
            = round(cast({{ printed }} as double) * power(10, {{ digits_printed(printed) }}))
            then 'reproduced'
        when {{ unit }} in ('percent', 'percentage point')
            then case when abs({{ found }} - cast({{ printed }} as double)) <= 1 then 'near' else 'differs' end
        when abs({{ found }} - cast({{ printed }} as double)) <= 0.05 * abs(cast({{ printed }} as double)) then 'near'
        else 'differs'
    end
{%- endmacro %}

{#- How many digits a printed number has behind its point. -#}
{% macro digits_printed(printed) -%}
    case when {{ printed }} like '%.%' then length({{ printed }}) - position('.' in {{ printed }}) else 0 end
{%- endmacro %}

{#- The condition that two relations speak of one series. -#}
{% macro is_same_series(one, other) -%}
{{ one }}.source = {{ other }}.source
            and {{ one }}.vintage = {{ other }}.vintage
            and {{ one }}.value_type = {{ other }}.value_type
            and {{ one }}.currency = {{ other }}.currency
{%- endmacro %}

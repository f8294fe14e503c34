{#-
    The verdict on a published claim.

    reproduced  rounded half up to the digits that the claim prints it is the claim's figure; for an approximate
                claim (~) to its digits before the zeros at its end: ~2300 is 2250 to less than 2350. Or, for a
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
            and floor({{ found }} * power(10, {{ digits_printed(printed, comparator) }}) + 0.5)
            = round(cast({{ printed }} as double) * power(10, {{ digits_printed(printed, comparator) }}))
            then 'reproduced'
        when {{ unit }} in ('percent', 'percentage point')
            then case when abs({{ found }} - cast({{ printed }} as double)) <= 1 then 'near' else 'differs' end
        when abs({{ found }} - cast({{ printed }} as double)) <= 0.05 * abs(cast({{ printed }} as double)) then 'near'
        else 'differs'
    end
{%- endmacro %}

{#- How many digits a printed number has behind its point; less than 0 for the zeros at the end of an approximate one. -#}
{% macro digits_printed(printed, comparator) -%}
    case
        when {{ printed }} like '%.%' then length({{ printed }}) - position('.' in {{ printed }})
        when {{ comparator }} = '~' then length(trim(trailing '0' from {{ printed }})) - length({{ printed }})
        else 0
    end
{%- endmacro %}

{#- The order of verdicts, the best first, and the verdict of a number of that order. -#}
{% macro claim_verdicts() -%}
    {{ return(['reproduced', 'near', 'differs', 'untestable']) }}
{%- endmacro %}

{% macro verdict_rank(verdict) -%}
    case {{ verdict }} {% for name in claim_verdicts() %}when '{{ name }}' then {{ loop.index }} {% endfor %}end
{%- endmacro %}

{% macro verdict_of_rank(rank) -%}
    case {{ rank }} {% for name in claim_verdicts() %}when {{ loop.index }} then '{{ name }}' {% endfor %}end
{%- endmacro %}

{#- The sentence that gives the verdict, the basis of the found value, and the other values of the vintage. -#}
{% macro claim_reason(ranked, other_values) -%}
    concat_ws(
        '',
        case
            when {{ ranked }}.comparator in ('falling', 'rising') and {{ ranked }}.verdict = 'reproduced'
                then concat_ws('', 'Is ', {{ ranked }}.comparator, ', by the two ends of the span')
            when {{ ranked }}.comparator in ('falling', 'rising')
                then concat_ws('', 'Is not ', {{ ranked }}.comparator, ', by the two ends of the span')
            when {{ ranked }}.comparator = '>' and {{ ranked }}.verdict = 'reproduced'
                then concat_ws('', 'Is above the ', {{ ranked }}.printed, ' in print')
            when {{ ranked }}.comparator = '>' then concat_ws('', 'Is not above the ', {{ ranked }}.printed, ' in print')
            when {{ ranked }}.verdict = 'reproduced' and {{ ranked }}.comparator = '~'
                then concat_ws('', 'Rounds to the approximate ', {{ ranked }}.printed, ' in print')
            when {{ ranked }}.verdict = 'reproduced' then concat_ws('', 'Rounds to the ', {{ ranked }}.printed, ' in print')
            else concat_ws('', 'Does not round to the ', {{ ranked }}.printed, ' in print')
        end,
        case when {{ ranked }}.span_rule = 'every_year' then ' in the lowest year of the span' end,
        case
            when {{ ranked }}.verdict = 'reproduced' or {{ ranked }}.comparator in ('falling', 'rising') then ''
            else concat_ws(
                '',
                case {{ ranked }}.verdict when 'near' then ', but differs by at most ' when 'differs' then ', and differs by more than ' end,
                case
                    when {{ ranked }}.unit in ('percent', 'percentage point') then '1 point'
                    when {{ ranked }}.unit <> '' then '5 %'
                end
            )
        end,
        ': ', {{ ranked }}.basis,
        case when {{ ranked }}.currency <> '' then concat_ws('', ', ', {{ ranked }}.currency) end,
        ', ', {{ ranked }}.value_type, '.',
        case when {{ other_values }} is not null then concat_ws('', ' The vintage also gives ', {{ other_values }}, '.') end
    )
{%- endmacro %}

{#- The join condition of two relations on one series: source, vintage, value type and currency. -#}
{% macro is_same_series(left_relation, right_relation) -%}
{{ left_relation }}.source = {{ right_relation }}.source
            and {{ left_relation }}.vintage = {{ right_relation }}.vintage
            and {{ left_relation }}.value_type = {{ right_relation }}.value_type
            and {{ left_relation }}.currency = {{ right_relation }}.currency
{%- endmacro %}

{#- A template of the seeds claim_term and claim_measure with its {placeholders} filled: SQL by placeholder. -#}
{% macro filled(template, replacements) -%}
    {%- set nested = namespace(sql=template) -%}
    {%- for placeholder, sql in replacements.items() -%}
        {%- set nested.sql = "replace(" ~ nested.sql ~ ", '{" ~ placeholder ~ "}', coalesce(" ~ sql ~ ", ''))" -%}
    {%- endfor -%}
    {{ nested.sql }}
{%- endmacro %}

{#
    Vintages and the age of an estimate: the building blocks of mart_vintage and mart_revision_bias.

    age_classes()                              name and first full year of each class
    age_class(known_from, period_end)          the class of an estimate, by the full years from the end of its period to its vintage
    age_class_years(age_class)                 the first full year of a class
    revision_scope()                           what the figure is of: the economy, its trade with one partner, or one of its regions
    is_in_force(span, in_vintage)              whether a figure of int_estimate_span is in force in the vintage of another row
-#}
{% macro age_classes() -%}
    {{ return([('under 1', 0), ('1', 1), ('2', 2), ('3 to 5', 3), ('over 5', 6)]) }}
{%- endmacro %}

{% macro age_class(known_from, period_end) -%}
    case
        {%- for name, years in age_classes() | reverse if years > 0 %}
            when {{ known_from }} >= cast({{ dbt.dateadd('year', years, period_end) }} as date) then '{{ name }}'
        {%- endfor %}
        when {{ known_from }} < cast({{ dbt.dateadd('year', 1, period_end) }} as date) then 'under 1'
    end
{%- endmacro %}

{% macro age_class_years(age_class) -%}
    case {{ age_class }}
        {%- for name, years in age_classes() %}
            when '{{ name }}' then {{ years }}
        {%- endfor %}
    end
{%- endmacro %}

{% macro revision_scope() -%}
    case
        when region is not null then 'region'
        when partner <> 'WLD' then 'partner'
        when partner = 'WLD' then 'economy'
    end
{%- endmacro %}

{#- Two comparisons, without `or`: DuckDB compares every row with every other in a left join that has one. A later vintage than
    any is '9999'. -#}
{% macro is_in_force(span, in_vintage) -%}
    {{ span }}.from_vintage <= {{ in_vintage }}.vintage
    and {{ in_vintage }}.vintage < coalesce({{ span }}.until_vintage, '9999')
{%- endmacro %}

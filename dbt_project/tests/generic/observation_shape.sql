{#-
    Fails where a model does not have the columns of an observation, in order and with their types, or where a
    required code, date or unit is null. A held observation has no code for one of its columns, so it may lack
    what follows from the code.
-#}
{% test observation_shape(model) %}

{% set problems = shape_problems(model, observation_columns()) %}

with problems as (

    {% for problem in problems %}
    select '{{ problem }}' as problem
    union all
    {% endfor %}
    select
        concat_ws(
            '',
            'null in a required column: ', source, ' ', vintage, ', file ', _file, ', row ', _row
        ) as problem
    from {{ model }}
    where
        not {{ is_held() }}
        and (
            source is null
            or vintage is null
            or reporter is null
            or partner is null
            or coalesce(service, indicator) is null
            or (service is null) <> (flow is null)
            or frequency is null
            or period_start is null
            or period_end is null
            or unit is null
            or (unit = 'million' and currency is null)
            -- a rate of a year in which the economy had another currency has none
            or (unit not in ('million', 'per US dollar') and currency is not null)
            or value_type is null
            or _file is null
            or _row is null
        )

)

select problem
from problems

{% endtest %}

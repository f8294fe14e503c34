{#- Fails on a loaded vintage without observations, and on observations of a vintage that is not loaded. -#}
{% test every_vintage_has_rows(model) %}

with held as (

    select distinct
        source,
        vintage
    from {{ model }}

)

select
    vintages.source,
    vintages.vintage,
    held.source as held_source,
    held.vintage as held_vintage
from {{ ref('int_vintages') }} as vintages
full outer join held
    on
        vintages.source = held.source
        and vintages.vintage = held.vintage
where
    vintages.vintage is null
    or (vintages.is_loaded and held.vintage is null)

{% endtest %}

{#-
    Fails on a cell of a trade mart that has no preferred row, or more than one, and so on a source or currency that
    seeds.source_precedence lacks. A filter on is_preferred must give every cell once.
-#}
{% test one_preferred_row(model, cell_columns) %}

select
    {{ cell_columns | join(', ') }},
    {{ sources_of_rows(model) }} as source,
    sum(case when is_preferred then 1 when not is_preferred then 0 end) as preferred
from {{ model }}
group by {{ cell_columns | join(', ') }}
having sum(case when is_preferred then 1 when not is_preferred then 0 end) <> 1

{% endtest %}

{#-
    Fails on a cell of a trade mart whose preferred rows are of no series, or of more than one: a series is a source, currency and
    kind of value. Rows of two series would not add up to the total of one.
-#}
{% test one_preferred_series(model, cell_columns) %}

select
    {{ cell_columns | join(', ') }},
    {{ sources_of_rows(model) }} as source,
    count(distinct case when is_preferred then concat_ws(' ', source, currency, value_type) end) as preferred_series
from {{ model }}
group by {{ cell_columns | join(', ') }}
having count(distinct case when is_preferred then concat_ws(' ', source, currency, value_type) end) <> 1

{% endtest %}

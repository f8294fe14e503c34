{#-
    Fails on every column that is missing, extra, in another place or of another type than declared:
    {name: type}, in order. It reads what the database holds, not what the model's text says.
-#}
{% test columns_are(model, columns) %}

{% set problems = shape_problems(model, columns) %}

{% for problem in problems %}
select '{{ problem }}' as problem
union all
{% endfor %}
select null as problem
where 1 = 0

{% endtest %}

{#-
    Fails on rows that break a rule of their model: every column of `not_null` is filled; no two rows have the same `key`,
    nor the same values in the columns of one of `other_keys` (nulls are equal to each other); a column of `accepted` has only
    the listed values, or is null; every value of a column of `references` is in the column `field` of the relation `to`.

    It is one query per model, since dbt takes longer to start a query than DuckDB to answer it. Returns a row per broken
    rule and value, with the sources of the rows that break it: a build sets the source aside that a failed test names.
    warehouse/releases/diff.py reads the keys of tables from this test.
-#}
{% test valid_rows(model, key, other_keys=[], not_null=[], accepted={}, references={}) %}

{% if not_null %}
    {% set is_null = quoted_columns(not_null) | join(' is null or ') ~ ' is null' %}
    select
        'null' as rule,
        concat_ws(', '{% for column in not_null %}, case when count({{ adapter.quote(column) }}) < count(*) then '{{ column }}' end{% endfor %}) as field,
        cast(null as {{ dbt.type_string() }}) as found,
        {{ sources_of_rows(model, is_null) }} as source,
        count(*) filter (where {{ is_null }}) as row_count
    from {{ model }}
    having count(*) filter (where {{ is_null }}) > 0
    union all
{% endif %}
{% for column, values in accepted.items() %}
    select
        'not accepted' as rule,
        '{{ column }}' as field,
        cast({{ adapter.quote(column) }} as {{ dbt.type_string() }}) as found,
        {{ sources_of_rows(model) }} as source,
        count(*) as row_count
    from {{ model }}
    where {{ adapter.quote(column) }} not in ({% for value in values %}'{{ value | string | replace("'", "''") }}'{{ ', ' if not loop.last }}{% endfor %})
    group by {{ adapter.quote(column) }}
    union all
{% endfor %}
{% for column, parent in references.items() %}
    select
        'not in {{ parent.to.identifier }}' as rule,
        '{{ column }}' as field,
        cast({{ adapter.quote(column) }} as {{ dbt.type_string() }}) as found,
        {{ sources_of_rows(model) }} as source,
        count(*) as row_count
    from {{ model }} as child
    where
        {{ adapter.quote(column) }} is not null
        and not exists (
            select 1 from {{ parent.to }} as parent where parent.{{ adapter.quote(parent.field) }} = child.{{ adapter.quote(column) }}
        )
    group by {{ adapter.quote(column) }}
    union all
{% endfor %}
{% for columns in [key] + other_keys %}
    {% set quoted = quoted_columns(columns) %}
    select
        'same key' as rule,
        '{{ columns | join(', ') }}' as field,
        concat_ws(', '{% for column in quoted %}, coalesce(cast({{ column }} as {{ dbt.type_string() }}), 'null'){% endfor %}) as found,
        {{ sources_of_rows(model) }} as source,
        count(*) as row_count
    from {{ model }}
    group by {{ quoted | join(', ') }}
    having count(*) > 1
    {{ 'union all' if not loop.last }}
{% endfor %}

{% endtest %}

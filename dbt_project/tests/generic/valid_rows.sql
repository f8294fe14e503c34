{#-
    Fails on rows that break a rule of their model: every column of `not_null` is filled; no two rows have the same `key`,
    nor the same values in the columns of one of `other_keys` (nulls are equal to each other); a column of `accepted` has only the listed values, or is null; every value of a column of
    `references` is in the column `field` of the relation `to`.

    It is one query per model, since dbt takes longer to start a query than DuckDB to answer it, and the rules of single
    columns share a scan. Returns a row per broken rule and value, with the sources of the rows: a build sets the source aside
    that a failed test names. warehouse/releases/diff.py reads the keys of tables from this test.
-#}
{% test valid_rows(model, key, other_keys=[], not_null=[], accepted={}, references={}) %}

with rows_by_rule as (

    select
        {% for column in not_null -%}
            {{ count_rows(model, adapter.quote(column) ~ ' is null', 'null_' ~ loop.index) }},
        {% endfor -%}
        {% for column, values in accepted.items() -%}
            {% set other = adapter.quote(column) ~ ' not in (' ~ literals(values) ~ ')' -%}
            {{ count_rows(model, other, 'other_' ~ loop.index) }},
            string_agg(distinct case when {{ other }} then cast({{ adapter.quote(column) }} as varchar) end, ', ') as values_{{ loop.index }},
        {% endfor -%}
        count(*) as all_rows
    from {{ model }}

),

broken as (

    {% for column in not_null -%}
        {{ broken_rule('null', column, 'null', 'null_' ~ loop.index) }}
        union all
    {% endfor -%}
    {% for column in accepted -%}
        {{ broken_rule('not accepted', column, 'values_' ~ loop.index, 'other_' ~ loop.index) }}
        union all
    {% endfor -%}
    {% for column, parent in references.items() -%}
        select
            'not in {{ parent.to.identifier }}.{{ parent.field }}' as rule,
            '{{ column }}' as field,
            cast(child.{{ adapter.quote(column) }} as varchar) as found,
            {{ sources_of_rows(model) }} as source,
            count(*) as row_count
        from {{ model }} as child
        where
            child.{{ adapter.quote(column) }} is not null
            and not exists (
                select 1
                from {{ parent.to }} as parent
                where parent.{{ adapter.quote(parent.field) }} = child.{{ adapter.quote(column) }}
            )
        group by child.{{ adapter.quote(column) }}
        union all
    {% endfor -%}
    {% for columns in [key] + other_keys -%}
        {% set quoted = [] %}
        {% for column in columns %}{% do quoted.append(adapter.quote(column)) %}{% endfor %}
        select
            'same key' as rule,
            '{{ columns | join(', ') }}' as field,
            concat_ws(', ', {% for column in quoted %}coalesce(cast({{ column }} as varchar), 'null'){{ ', ' if not loop.last }}{% endfor %}) as found,
            {{ sources_of_rows(model) }} as source,
            count(*) as row_count
        from {{ model }}
        group by {{ quoted | join(', ') }}
        having count(*) > 1
        {{ 'union all' if not loop.last }}
    {% endfor %}

)

select
    rule,
    field,
    found,
    source,
    row_count
from broken

{% endtest %}

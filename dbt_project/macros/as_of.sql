{#-
    As-of values: the current value with every later revision undone.

    The first revision of a cell after the day has the value before it, so that one row undoes all later ones: a
    changed value gets its previous value, a withdrawn one is restored, a new one is removed. A source has no
    as-of values before its first vintage. The day of a vintage is the first ten characters of its id, as it is for
    `warehouse build --as-of`; of several vintages of one day the last one counts.

    as_of_values(table_name, day)   SQL for one of facts(), see facts.sql: its keys, `period_label`, `vintage` (the newest
                                    of that day) and its amount. For models and analyses; the day is SQL.
    create_as_of_functions()        writes the same SQL into the database as table functions, run when a build ends:
                                    select * from core.services_trade_as_of(date '2023-01-01')

    Status and lineage are left out: a revision has the value only, and a flag may change without one.
-#}
{% macro as_of_values(table_name, day) %}
    {%- set fact = facts()[table_name] -%}
    {#- Without the database's name: a release may be copied under another one. -#}
    {%- set fact_table = ref(table_name).include(database=false) -%}
    {%- set revisions = ref('fct_revision').include(database=false) -%}
    {%- set vintages = ref('dim_vintage').include(database=false) -%}
    {%- set columns = fact['keys'] + ['period_label'] -%}
    with in_force as (

        select
            source,
            max(vintage) as vintage
        from {{ vintages }}
        where cast(substr(vintage, 1, 10) as date) <= cast({{ day }} as date)
        group by source

    ),

    later_revisions as (

        select
            {{ columns | join(', ') }},
            previous_value,
            row_number() over (partition by {{ fact['keys'] | join(', ') }} order by vintage) as position
        from {{ revisions }}
        where
            cast(substr(vintage, 1, 10) as date) > cast({{ day }} as date)
            and {{ fact['condition'] }}

    ),

    undone as (

        select * from later_revisions
        where position = 1

    ),

    known as (

        select
            {% for column in columns %}facts.{{ column }}, {% endfor %}
            facts.{{ fact['amount'] }}
        from {{ fact_table }} as facts
        left join undone
            on
                {% for key in fact['keys'] -%}
                    facts.{{ key }} is not distinct from undone.{{ key }}{{ ' and ' if not loop.last }}
                {% endfor %}
        where undone.position is null
        union all
        select
            {{ columns | join(', ') }},
            previous_value as {{ fact['amount'] }}
        from undone
        where previous_value is not null

    )

    select
        known.source,
        in_force.vintage,
        {% for column in columns if column != 'source' %}known.{{ column }}, {% endfor %}
        known.{{ fact['amount'] }}
    from known
    inner join in_force on known.source = in_force.source
{% endmacro %}

{% macro create_as_of_functions() %}
    {%- set schema = ref('fct_revision').schema -%}
    {#- A run that failed, or that made only some of the tables, has none to make functions of. -#}
    {%- set missing = [] -%}
    {%- if execute -%}
        {%- for table_name in ['fct_revision', 'dim_vintage'] + (facts().keys() | list) -%}
            {%- if load_relation(api.Relation.create(database=ref("fct_revision").database, schema=schema, identifier=table_name)) is none -%}
                {%- do missing.append(table_name) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {%- for table_name, fact in facts().items() if not missing -%}
        create or replace macro {{ schema }}.{{ fact['function'] }}(as_of) as table
        {{ as_of_values(table_name, 'as_of') }};
        comment on macro table {{ schema }}.{{ fact['function'] }} is
        'What {{ schema }}.{{ table_name }} had on a day: its values with all later revisions undone.';
    {%- endfor -%}
{% endmacro %}

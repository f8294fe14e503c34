{#
    Reuse what did not change since the build before. A build file starts as a copy of the file of the last build with the same
    code, so each table, view and test is run again only if a relation that it reads has other content.

    raw.built_node       unique_id, inputs, content: the nodes of this build. warehouse/build/reuse.py writes the lines of the
                         landing before dbt runs, and inputs and the lines of tests after it
    raw.built_part       unique_id, source, inputs, content: the same of the rows of one source of a node
    raw.reusable_node, raw.reusable_part   the same of the build that the file was copied from

    A model whose rows of a source depend on the rows of the same source in some of the relations that it reads names these:

        config(by_source=['int_trade_by_cell'])     or true, for all relations that it reads

    When they have other rows for a few sources, and all other relations are as they were, only the rows of these sources are
    made again: the statement of the model is run for them. tests/build/test_by_source.py checks that each such model keeps to it.

    compared()           inputs, a digest of the content of all relations that the node reads, and the content that the node had
                         with the same inputs. Both are none in a build that starts anew, with --full-refresh
    read_by_source()     the relations that the model reads by source
    compared_parts()     a query for the same as compared() for each source: source, inputs, content
    record_content()     the statement that adds a relation to raw.built_node
    record_parts()       the statements that add the rows of each source of a table to raw.built_part, and the table to
                         raw.built_node. Sources that were not made again have the content that they had
    sources_made_again() the sources whose rows are to be made again; none when all are
-#}
{% macro compared() -%}
    {%- set parents = model.depends_on.nodes | unique | list -%}
    {%- if flags.FULL_REFRESH -%}{{ return({'inputs': none, 'content': none}) }}{%- endif -%}
    {%- set found = run_query(
        "with parents as (select md5(coalesce(string_agg(content, ' ' order by unique_id), '')) as inputs"
        ~ " from raw.built_node where unique_id in ('" ~ parents | join("', '") ~ "') having count(*) = " ~ parents | length ~ ")"
        ~ " select parents.inputs, reusable.content from parents left join raw.reusable_node as reusable"
        ~ " on reusable.unique_id = '" ~ model.unique_id ~ "' and reusable.inputs = parents.inputs"
    ).rows -%}
    {{ return({'inputs': found[0][0], 'content': found[0][1]} if found else {'inputs': none, 'content': none}) }}
{%- endmacro %}

{% macro record_content(content) -%}
    insert into raw.built_node (unique_id, content) values ('{{ model.unique_id }}', {{ content }});
{%- endmacro %}

{% macro read_by_source() -%}
    {%- set declared = config.get('by_source', []) -%}
    {%- if declared is not iterable -%}{{ return(model.depends_on.nodes | unique | list) }}{%- endif -%}
    {%- set found = [] -%}
    {%- for name in model.depends_on.nodes | unique if name.split('.')[-1] in declared -%}{%- do found.append(name) -%}{%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{% macro compared_parts() -%}
    with parents as (
        {% for name in model.depends_on.nodes | unique %}
            select '{{ name }}' as unique_id, {{ name in read_by_source() }} as is_declared
            {% if not loop.last %}union all{% endif %}
        {% endfor %}
    ),

    -- a relation without lines of sources is compared as a whole
    parts as (
        select built.*
        from raw.built_part as built
        inner join parents on built.unique_id = parents.unique_id and parents.is_declared
    ),

    sources as (
        select source from parts
        union
        select source from raw.reusable_part where unique_id = '{{ model.unique_id }}'
    ),

    contents as (
        select
            sources.source,
            parents.unique_id,
            case
                when parents.unique_id in (select unique_id from parts) then coalesce(parts.content, '-')
                else nodes.content
            end as content
        from sources
        cross join parents
        left join parts on parents.unique_id = parts.unique_id and sources.source = parts.source
        left join raw.built_node as nodes on parents.unique_id = nodes.unique_id
    ),

    inputs as (
        select source, md5(string_agg(content, ' ' order by unique_id)) as inputs
        from contents
        group by source
    )

    select inputs.source, inputs.inputs, reusable.content
    from inputs
    left join raw.reusable_part as reusable
        on
            reusable.unique_id = '{{ model.unique_id }}'
            and inputs.source = reusable.source
            and inputs.inputs = reusable.inputs
{%- endmacro %}

{% macro record_parts(made_again=none) -%}
    insert into raw.built_part (unique_id, source, content)
    {% if made_again != [] %}
        select '{{ model.unique_id }}', source, concat_ws(' ', count(*), sum(hash(*columns(*)))) from {{ this }}
        {% if made_again is not none %}where source in ('{{ made_again | join("', '") }}'){% endif %}
        group by source
    {% endif %}
    {% if made_again %}union all{% endif %}
    {% if made_again is not none %}
        select unique_id, source, content from raw.reusable_part
        where unique_id = '{{ model.unique_id }}' and source not in ('{{ made_again | join("', '") }}')
    {% endif %};
    insert into raw.built_node (unique_id, content)
    select
        '{{ model.unique_id }}',
        concat_ws(
            ' ',
            coalesce(sum(cast(split_part(content, ' ', 1) as bigint)), 0),
            sum(cast(split_part(content, ' ', 2) as hugeint))
        )
    from raw.built_part where unique_id = '{{ model.unique_id }}' and content <> '-';
{%- endmacro %}

{% macro sources_made_again(inputs) -%}
    {%- if inputs is none or load_cached_relation(this) is none -%}{{ return(none) }}{%- endif -%}
    {%- set changed, same = [], [] -%}
    {%- for row in run_query(compared_parts()).rows -%}
        {%- do (changed if row[2] is none else same).append(row[0]) -%}
    {%- endfor -%}
    {{ return(changed if same else none) }}
{%- endmacro %}

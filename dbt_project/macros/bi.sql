{#-
    What the tables of schema `bi` have in common. Each has one frequency, kind of value and level of services, and amounts in US
    dollars, so that a plain sum() of these over its rows counts nothing twice.

    economy_types()                 the types of dim_economy that are no group of others
    scale_of_frequency(frequency)   the preferred totals of economies, in US dollars and as published
    usd_beside_published(relation, flows)   amounts `<flow>_usd_million`, the published currency and amounts `<flow>_million`, and the
                                    rate between the two, from a relation with `frequency`, `currency` and these amounts, and `rates`
    one_series(relation, cell, first_by)   the series, `source` and `value_type`, to which all rows of a cell belong: the first by
                                    `first_by`, an expression over the rows of a series (most rows, unless given), then by precedence.
                                    `cell` is a list of columns, such as the reporter and the period
    is_of_series(series, relation, cell)   the condition of a join between a relation and its one_series
    is_source_break(relation, cell, also)  whether the row before, of the same cell without its period, is of another source or kind of
                                           value, or differs in one of the columns `also`: the step between the two is no growth
-#}
{% macro economy_types() -%}
    ('economy', 'dissolved')
{%- endmacro %}

{% macro scale_of_frequency(frequency) -%}
with scale as (

    select * from {{ ref('mart_trade_scale') }}
    where frequency = '{{ frequency }}' and is_preferred

),

rates as (

    select * from {{ ref('int_exchange_rate') }}

),

economies as (

    select * from {{ ref('dim_economy') }}
    where economy_type in {{ economy_types() }}

),

sources as (

    select * from {{ ref('dim_source') }}

)

select
    scale.reporter,
    scale.reporter_name_en,
    scale.reporter_name_zh,
    scale.period_start,
    scale.period_end,
    scale.period_label,
    {{ usd_beside_published('scale', ['exports', 'imports', 'total', 'balance']) }},
    scale.exports_growth_pct,
    scale.imports_growth_pct,
    scale.total_growth_pct,
    scale.is_exports_small_base,
    scale.is_imports_small_base,
    scale.is_small_base,
    scale.exports_status,
    scale.imports_status,
    scale.total_status,
    scale.value_type,
    scale.source,
    sources.title_en as source_name,
    scale.vintage,
    {{ is_source_break('scale', ['reporter'], ['currency']) }} as is_source_break
from scale
inner join economies on scale.reporter = economies.economy
inner join sources on scale.source = sources.source
left join rates on {{ is_same_period_and_currency('scale', 'rates') }}
order by scale.reporter, scale.period_start
{%- endmacro %}

{% macro usd_beside_published(relation, flows) -%}
{% for flow in flows -%}
        {{ in_usd(relation ~ '.' ~ flow ~ '_million', relation ~ '.currency', 'rates.rate') }} as {{ flow }}_usd_million,
    {% endfor -%}
    {{ relation }}.currency,
    {% for flow in flows -%}
        {{ relation }}.{{ flow }}_million,
    {% endfor -%}
    {{ to_double('rates.rate') }} as rate_per_usd,
    rates.rate_source,
    rates.rate_vintage,
    {{ reason_without_usd(relation ~ '.frequency', [(relation ~ '.currency', 'rates.rate')]) }} as usd_reason
{%- endmacro %}

{% macro one_series(relation, cell, first_by='count(*) desc') -%}
{%- set columns = (cell + ['source', 'value_type']) | unique | list -%}
{%- set of_relation = [] -%}
{%- for column in columns -%}{%- do of_relation.append(relation ~ '.' ~ column) -%}{%- endfor -%}
select {{ columns | join(', ') }}
from (
    select
        {{ of_relation | join(', ') }},
        row_number() over (
            partition by {{ of_relation[:cell | length] | join(', ') }}
            order by {{ first_by }}, min(precedence.priority) asc
        ) as preference
    from {{ relation }}
    inner join {{ ref('source_precedence') }} as precedence
        on
            {{ relation }}.source = precedence.source
            and {{ relation }}.currency = precedence.currency
            and {{ relation }}.value_type = precedence.value_type
    group by {{ of_relation | join(', ') }}
) as counted
where preference = 1
{%- endmacro %}

{% macro is_source_break(relation, cell, also=[]) -%}
{%- set prefix = relation ~ '.' if relation else '' -%}
{%- set rows_before = 'over (partition by ' ~ prefix ~ (cell | join(', ' ~ prefix)) ~ ' order by ' ~ prefix ~ 'period_start)' -%}
coalesce(
        {% for column in ['source', 'value_type'] + also -%}
            lag({{ prefix }}{{ column }}) {{ rows_before }} <> {{ prefix }}{{ column }}{{ ',' if loop.last else ' or ' }}
        {% endfor -%}
        false
    )
{%- endmacro %}

{% macro is_of_series(series, relation, cell) -%}
{%- for column in (cell + ['source', 'value_type']) | unique -%}
{{ series }}.{{ column }} = {{ relation }}.{{ column }}{{ ' and ' if not loop.last }}
{%- endfor -%}
{%- endmacro %}

{{ config(by_source=['int_trade_by_cell']) }}
{#- The publishers of each size: what it is, the source, its indicator and unit. A further publisher is a further line. -#}
{%- set publishers = [
    ('GDP', 'nbs_accounts', 'NBS.GDP', 'million'),
    ('GDP', 'unctad_gdp', 'US.GDPTotal', 'million'),
    ('GDP', 'worldbank_wdi', 'NY.GDP.MKTP.CD', 'million'),
    ('population', 'unctad_population', 'US.PopTotal', 'thousand'),
] %}
with cells as (

    select * from {{ ref('int_trade_by_cell') }}
    where service = 'S' and frequency = 'A'

),

indicators as (

    select * from {{ ref('fct_indicator') }}
    where partner = 'WLD' and region is null and frequency = 'A'

),

named_sources as (

    select * from {{ ref('dim_source') }}

),

named_reporters as (

    select * from {{ ref('dim_economy') }}

),

preferred as (

    select * from {{ ref('int_preferred_series') }}

),

amounts as (

    {% for flow, is_published in [('exports', 'true'), ('imports', 'true'), ('total', 'is_total_published')] -%}
        select
            {{ reporter_cell_columns() }},
            '{{ flow }}' as flow,
            {{ flow }}_million as amount_million,
            {{ is_published }} as is_published,
            {{ flow }}_status as status
        from cells
        where {{ flow }}_million is not null
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

measures as (

    select 'GDP' as size_measure
    union all
    select 'population' as size_measure

),

sizes as (

    {% for measure, source, indicator, unit in publishers -%}
        select
            *,
            '{{ measure }}' as size_measure
        from indicators
        where source = '{{ source }}' and indicator = '{{ indicator }}' and unit = '{{ unit }}'
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- GDP is in the currency of the amount, population in none. An amount has a row for each publisher of a size, at least one.
sized as (

    select
        amounts.*,
        measures.size_measure,
        sizes.source as size_source,
        sizes.vintage as size_vintage,
        sizes.status as size_status,
        case when measures.size_measure = 'GDP' then sizes.value end as gdp_million,
        case when measures.size_measure = 'population' then sizes.value end as population_thousand
    from amounts
    cross join measures
    left join sizes
        on
            amounts.reporter = sizes.reporter
            and {{ is_same_period('amounts', 'sizes') }}
            and measures.size_measure = sizes.size_measure
            -- without `or`, with which DuckDB compares every amount with every size
            and case measures.size_measure when 'GDP' then amounts.currency when 'population' then '-' end
            = case sizes.size_measure when 'GDP' then sizes.currency when 'population' then '-' end

)

select
    {{ reporter_cell_columns('sized') }},
    named_sources.title_en as source_name,
    named_reporters.name_en as reporter_name_en,
    named_reporters.name_zh as reporter_name_zh,
    named_reporters.economy_type as reporter_type,
    sized.flow,
    {{ to_double('sized.amount_million') }} as amount_million,
    sized.is_published,
    sized.status,
    sized.size_measure,
    sized.size_source,
    sized.size_vintage,
    sized.size_status,
    {{ to_double('sized.gdp_million') }} as gdp_million,
    {{ to_double('sized.population_thousand') }} as population_thousand,
    {{ ratio_pct('sized.amount_million', 'sized.gdp_million') }} as share_of_gdp_pct,
    {{ per_head('sized.amount_million', 'sized.population_thousand') }} as amount_per_head,
    case
        when sized.size_measure = 'GDP' and sized.size_source is null
            then 'no GDP of the economy and year is loaded in the currency of the amount'
        when sized.size_source is null then 'no population of the economy and year is loaded'
        when sized.gdp_million = 0 then 'GDP is zero'
        when sized.population_thousand = 0 then 'the population is zero'
    end as reason,
    preferred.source is not null as is_preferred
from sized
left join named_sources on sized.source = named_sources.source
left join named_reporters on sized.reporter = named_reporters.economy
left join preferred on {{ is_same_cell_in_any_vintage('sized', 'preferred') }}
order by
    sized.source, sized.reporter, sized.flow, sized.period_start, sized.period_end, sized.currency, sized.value_type,
    sized.size_measure, sized.size_source

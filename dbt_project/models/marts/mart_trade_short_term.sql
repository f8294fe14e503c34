{{ config(by_source=['int_short_term_windows']) }}
with figures as (

    select * from {{ ref('int_short_term_windows') }}

),

adjusted as (

    select * from {{ ref('int_seasonally_adjusted') }}

),

named_sources as (

    select * from {{ ref('dim_source') }}

),

reporters as (

    select * from {{ ref('dim_economy') }}

),

services as (

    select * from {{ ref('dim_service') }}

),

preferred as (

    select * from {{ ref('int_short_term_preferred') }}

),

joined as (

    select
        figures.*,
        {{ month_number('figures.period_start') }} as month_number,
        adjusted.seasonally_adjusted_million,
        adjusted.adjustment,
        case
            when figures.value_million is null then 'no figure'
            when figures.frequency = 'M' then 'months are not adjusted'
            when figures.flow = 'balance' then 'a balance is not adjusted'
            else adjusted.adjustment_reason
        end as adjustment_reason
    from figures
    left join adjusted
        on
            {{ is_same_series_of_reporter('adjusted', 'figures') }}
            and figures.flow = adjusted.flow
            and figures.frequency = adjusted.frequency
            and figures.period_start = adjusted.period_start

),

compared as (

    select
        *,
        {{ amount_before('seasonally_adjusted_million', 3) }} as previous_adjusted_million
    from joined

)

select
    {{ reporter_cell_columns('compared') }},
    named_sources.title_en as source_name,
    reporters.name_en as reporter_name_en,
    reporters.name_zh as reporter_name_zh,
    reporters.economy_type as reporter_type,
    compared.status,
    compared.service,
    services.name_en as service_name_en,
    services.name_zh as service_name_zh,
    services.level as service_level,
    services.is_main_item,
    compared.flow,
    {{ to_double('compared.value_million') }} as value_million,
    compared.is_published,
    compared.is_derived,
    case
        when compared.flow <> 'balance'
            then {{ growth_pct('compared.value_million', 'compared.previous_million') }}
    end as growth_on_previous_pct,
    case
        when compared.flow <> 'balance'
            then {{ growth_pct('compared.value_million', 'compared.year_before_million') }}
    end as growth_on_year_pct,
    case
        when compared.flow <> 'balance'
            then {{ is_small_base('compared.value_million', 'compared.year_before_million') }}
    end as is_small_base,
    {{ to_double('compared.rolling_year_million') }} as rolling_year_million,
    case
        when compared.flow <> 'balance'
            then {{ growth_pct('compared.rolling_year_million', 'compared.previous_rolling_year_million') }}
    end as rolling_year_growth_pct,
    {{ to_double('compared.year_to_date_million') }} as year_to_date_million,
    compared.is_year_to_date_published,
    case
        when compared.flow <> 'balance'
            then {{ growth_pct('compared.year_to_date_million', 'compared.previous_year_to_date_million') }}
    end as year_to_date_growth_pct,
    compared.seasonally_adjusted_million,
    {{ growth_pct('compared.seasonally_adjusted_million', 'compared.previous_adjusted_million') }} as seasonally_adjusted_growth_pct,
    compared.adjustment,
    compared.adjustment_reason,
    preferred.source is not null as is_preferred
from compared
left join named_sources on compared.source = named_sources.source
left join reporters on compared.reporter = reporters.economy
left join services on compared.service = services.service
left join preferred on {{ is_same_cell_in_any_vintage('compared', 'preferred') }}
order by
    compared.source, compared.reporter, compared.service, compared.flow, compared.frequency, compared.period_start,
    compared.period_end, compared.currency, compared.value_type

{{ config(by_source=true) }}
with figures as (

    select
        *,
        {{ month_number('period_start') }} as month_number,
        cast(extract(year from period_start) as integer) as period_year
    from {{ ref('int_short_term_figures') }}

),

-- from January on; January to December is the year
cumulative as (

    select
        *,
        {{ month_number('period_end') }} as last_month
    from {{ ref('int_trade_by_cell') }}
    where
        frequency = case when extract(month from period_end) = 12 then 'A' when extract(month from period_end) < 12 then 'C' end
        and extract(month from period_start) = 1
        and extract(year from period_start) = extract(year from period_end)

),

so_far as (

    select
        *,
        {{ month_number('period_end') }} as last_month,
        case
            when
                count(value_million) over (
                    {{ short_term_series('period_year') }}
                    rows between unbounded preceding and current row
                ) = extract(month from period_end) / case frequency when 'Q' then 3 when 'M' then 1 end
                then sum(value_million) over (
                    {{ short_term_series('period_year') }}
                    rows between unbounded preceding and current row
                )
        end as summed_to_date
    from figures

),

compared as (

    select
        *,
        case frequency
            when 'Q' then {{ amount_before('value_million', 3) }}
            when 'M' then {{ amount_before('value_million', 1) }}
        end as previous_million,
        {{ amount_before('value_million', 12) }} as year_before_million,
        {{ amount_of_year(0) }} as rolling_year_million,
        {{ amount_of_year(12) }} as previous_rolling_year_million,
        {{ amount_before('summed_to_date', 12) }} as previous_summed_to_date
    from so_far

)

-- a cumulative figure or that of the year, printed or of its printed flows, goes before the sum
select
    {{ reporter_cell_columns('compared') }},
    compared.service,
    compared.flow,
    compared.value_million,
    compared.status,
    compared.is_published,
    compared.is_derived,
    compared.previous_million,
    compared.year_before_million,
    compared.rolling_year_million,
    compared.previous_rolling_year_million,
    coalesce({{ amount_of_flow('compared.flow', 'cumulative') }}, compared.summed_to_date) as year_to_date_million,
    coalesce(
        case compared.flow
            when 'exports' then cumulative.exports_million is not null
            when 'imports' then cumulative.imports_million is not null
            when 'total' then cumulative.is_total_published
            when 'balance' then cumulative.is_balance_published
        end,
        false
    ) as is_year_to_date_published,
    coalesce({{ amount_of_flow('compared.flow', 'year_before') }}, compared.previous_summed_to_date) as previous_year_to_date_million
from compared
left join cumulative
    on
        {{ is_same_series_of_reporter('cumulative', 'compared') }}
        and compared.last_month = cumulative.last_month
left join cumulative as year_before
    on
        {{ is_same_series_of_reporter('year_before', 'compared') }}
        and compared.last_month = year_before.last_month + 12

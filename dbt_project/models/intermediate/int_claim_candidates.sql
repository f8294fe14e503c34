{#- The years of one claim and series become its one figure, by the claim's span_rule. -#}
with claims as (

    select * from {{ ref('claim') }}

),

yearly as (

    select * from {{ ref('int_claim_yearly') }}

),

cells as (

    select * from {{ ref('int_claim_cells') }}

),

spans as (

    select
        claims.claim_id,
        yearly.source,
        yearly.vintage,
        yearly.value_type,
        yearly.currency,
        yearly.is_printed,
        max(claims.span_rule) as span_rule,
        max(claims.unit) as unit,
        max(claims.to_year) - max(claims.from_year) + 1 as years_expected,
        count(*) as years_found,
        max(case when yearly.period_year = claims.from_year then yearly.amount end) as first_amount,
        max(case when yearly.period_year = claims.to_year then yearly.amount end) as last_amount,
        max(case when yearly.period_year = claims.from_year then yearly.measured end) as first_measured,
        max(case when yearly.period_year = claims.to_year then yearly.measured end) as last_measured,
        min(yearly.measured) as least_measured,
        max(case when yearly.period_year = claims.to_year then yearly.basis end) as basis,
        string_agg(
            concat(yearly.period_year, ' ', round(coalesce(yearly.measured, {{ to_double('yearly.amount') }}), 4)), ', '
            order by yearly.period_year
        ) as by_year
    from claims
    inner join yearly
        on
            claims.claim_id = yearly.claim_id
            and yearly.period_year between claims.from_year and claims.to_year
    group by
        claims.claim_id, yearly.source, yearly.vintage, yearly.value_type, yearly.currency, yearly.is_printed

),

computed as (

    select
        claim_id,
        source,
        vintage,
        value_type,
        currency,
        is_printed,
        case span_rule
            when 'at_end'
                then coalesce(
                    last_measured,
                    -- both units of amounts are billions
                    case
                        when unit in ('USD billion', 'CNY billion')
                            then {{ to_double("last_amount * cast('0.001' as decimal(4, 3))") }}
                    end
                )
            when 'every_year' then case when years_found = years_expected then least_measured end
            when 'change' then last_measured - first_measured
            when 'growth' then {{ growth_pct('last_amount', 'first_amount') }}
            when 'fall' then -({{ growth_pct('last_amount', 'first_amount') }})
        end as found_value,
        case
            when span_rule = 'at_end' then basis
            else concat(basis, ', by year: ', by_year, case when last_amount is not null then ' (million)' end)
        end as basis
    from spans

),

-- growth that a release prints, where it states no earlier level
printed_growth as (

    select
        claims.claim_id,
        cells.source,
        cells.vintage,
        cells.value_type,
        claims.currency,
        true as is_printed,
        {{ to_double('cells.value') }} as found_value,
        concat('the growth as printed (', cells.indicator, ')') as basis
    from claims
    inner join cells
        on
            claims.area = cells.reporter
            and concat('growth_pct.', claims.service, '.', claims.computed_flow, '.', claims.currency) = cells.indicator
            and claims.to_year = cells.period_year
    where
        claims.measure_code = 'level'
        and claims.span_rule = 'growth'
        and claims.to_year - claims.from_year = 1
        and cells.unit = 'pct'
        and cells.partner = 'WLD'
        and cells.region is null

)

select * from computed
where found_value is not null
union all
select * from printed_growth

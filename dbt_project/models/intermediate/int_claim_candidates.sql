with claims as (

    select * from {{ ref('claim') }}

),

yearly as (

    select * from {{ ref('int_claim_yearly') }}

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
        {{ text_list(
            "concat_ws('', yearly.period_year, ' ', round(coalesce(yearly.measured, " ~ to_double('yearly.amount') ~ "), 4))",
            "', '", 'yearly.period_year'
        ) }} as by_year
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
        case
            when span_rule = 'growth' and is_printed then last_measured
            when span_rule = 'at_end'
                then coalesce(
                    last_measured,
                    case
                        when unit in ('USD billion', 'CNY billion')
                            then {{ to_double("last_amount * cast('0.001' as decimal(4, 3))") }}
                    end
                )
            when span_rule = 'every_year' then case when years_found = years_expected then least_measured end
            when span_rule = 'change' then last_measured - first_measured
            when span_rule = 'growth' then {{ growth_pct('last_amount', 'first_amount') }}
            when span_rule = 'fall' then -({{ growth_pct('last_amount', 'first_amount') }})
        end as found_value,
        case
            when span_rule = 'at_end' or (span_rule = 'growth' and is_printed) then basis
            else concat_ws('', basis, ', by year: ', by_year, case when last_amount is not null then ' (million)' end)
        end as basis
    from spans

)

select * from computed
where found_value is not null

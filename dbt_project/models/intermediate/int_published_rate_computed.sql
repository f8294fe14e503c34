{{ config(by_source=true) }}
-- Over 150 lines, since a rate is computed by its measure: from the amount, and the whole or the amount of the year before.
with rates as (

    select * from {{ ref('int_published_rate') }}

),

amounts as (

    select * from {{ ref('int_published_rate_amount') }}

),

gdp as (

    select
        *,
        coalesce({{ to_double(last_digit_million('value')) }} / 2, 0) as rounding_million
    from {{ ref('fct_indicator') }}
    where indicator = 'NY.GDP.MKTP.CD' and partner = 'WLD' and region is null and unit = 'million'

),

-- a share is printed without a currency: it is computed in each that has the amount
with_amounts as (

    select
        rates.source,
        rates.vintage,
        rates.reporter,
        rates.partner,
        rates.region,
        rates.indicator,
        rates.measure,
        rates.service,
        rates.flow,
        rates.frequency,
        rates.period_start,
        rates.period_end,
        rates.rate_pct,
        rates.is_of_years,
        amounts.currency,
        amounts.value_type,
        amounts.value_million as amount_million,
        amounts.is_published as is_amount_published,
        amounts.status as amount_status,
        amounts.rounding_million as amount_rounding_million,
        case
            when rates.partner = 'WLD' and rates.region is null then 'S'
            when rates.partner <> 'WLD' or rates.region is not null then rates.service
        end as whole_service
    from rates
    inner join amounts
        on
            rates.source = amounts.source
            and rates.vintage = amounts.vintage
            and rates.reporter = amounts.reporter
            and rates.partner = amounts.partner
            and rates.region is not distinct from amounts.region
            and rates.service = amounts.service
            and rates.flow = amounts.flow
            and {{ is_same_period('rates', 'amounts') }}
            and (rates.printed_currency is null or rates.printed_currency = amounts.currency)
    where rates.why_not is null

),

-- the base is the whole of a share, and the amount of the year before of a growth rate
with_bases as (

    {% for measure, relation, value, is_published in [
        ('share', 'amounts', 'bases.value_million', 'bases.is_published'),
        ('share of GDP', 'gdp', 'bases.value', 'case when bases.value is not null then true end'),
        ('growth', 'amounts', 'bases.value_million', 'bases.is_published'),
    ] %}
        select
            with_amounts.*,
            {{ value }} as base_million,
            {{ is_published }} as is_base_published,
            bases.status as base_status,
            bases.rounding_million as base_rounding_million
        from with_amounts
        left join {{ relation }} as bases
            on
                {% if measure == 'share' -%}
                    {{ is_same_cell('with_amounts', 'bases') }}
                    and bases.partner = 'WLD'
                    and bases.region is null
                    and with_amounts.whole_service = bases.service
                    and with_amounts.flow = bases.flow
                {%- elif measure == 'share of GDP' -%}
                    with_amounts.source = bases.source
                    and with_amounts.vintage = bases.vintage
                    and with_amounts.reporter = bases.reporter
                    and {{ is_same_period_and_currency('with_amounts', 'bases') }}
                {%- else -%}
                    {{ is_same_period_of_previous_year('bases', 'with_amounts') }}
                    and extract(year from bases.period_end) = extract(year from with_amounts.period_end) - 1
                    and with_amounts.partner = bases.partner
                    and with_amounts.region is not distinct from bases.region
                    and case when not with_amounts.is_of_years then with_amounts.service end = bases.service
                    and with_amounts.flow = bases.flow
                {%- endif %}
        where with_amounts.measure = '{{ measure }}'
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

computed as (

    select
        *,
        case
            when measure = 'growth' then {{ growth_pct('amount_million', 'base_million') }}
            when measure <> 'growth' then {{ ratio_pct('amount_million', 'base_million') }}
        end as computed_rate_pct,
        abs({{ to_double('amount_million') }} / nullif({{ to_double('base_million') }}, 0)) as quotient
    from with_bases

),

-- of several currencies or kinds of value, the first by name in which the rate can be computed
ranked as (

    select
        *,
        row_number() over (
            partition by source, reporter, partner, region, indicator, frequency, period_start, period_end
            order by case when computed_rate_pct is null then 2 when computed_rate_pct is not null then 1 end, currency, value_type
        ) as position
    from computed

)

select
    source,
    reporter,
    partner,
    region,
    indicator,
    frequency,
    period_start,
    period_end,
    currency,
    value_type,
    amount_million,
    is_amount_published,
    amount_status,
    base_million,
    is_base_published,
    base_status,
    computed_rate_pct,
    -- half a unit of the last digit of the rate, and as much as it moves with half a unit of both amounts
    case
        when computed_rate_pct is not null
            then
                least({{ to_double(last_digit_million('rate_pct')) }}, 1) / 2
                + 100 * (amount_rounding_million + quotient * base_rounding_million) / abs({{ to_double('base_million') }})
    end as rounding_pp
from ranked
where position = 1

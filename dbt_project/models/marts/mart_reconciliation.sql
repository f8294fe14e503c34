-- Over 150 lines, since the break of a series is found in steps: tolerance, last agreement, run of differences after it.
with named_reporters as (

    select * from {{ ref('dim_economy') }}

),

named_services as (

    select * from {{ ref('dim_service') }}

),

trade as (

    select * from {{ ref('int_compared_figures') }}

),

ranked as (

    select
        *,
        case value_type
            when 'reported' then 1
            when 'final' then 2
            when 'balanced' then 3
            when 'estimated' then 4
            when 'model' then 5
            else {{ unknown_code('mart_reconciliation', 'value type', 'value_type', 'Give it a rank in the mart') }}
        end as distance_from_report,
        -- the rounding of each figure that a value is the sum of
        {{ last_digit_million('value_million') }} * coalesce(summands, 1) as last_digit_million
    from trade

),

in_series as (

    select
        *,
        min(distance_from_report) over (
            partition by source, reporter, partner, service, flow, frequency, currency
        ) as nearest_in_series,
        -- the flows of a cell are printed alike, and rarely end in zeros both
        greatest(
            min(last_digit_million) over (
                partition by source, reporter, partner, service, frequency, period_start, period_end, currency, value_type
            ),
            0.000001
        ) as printed_unit_million
    from ranked

),

-- one value type for the whole series of a source: a change of type must not look like a break
figures as (

    select * from in_series
    where distance_from_report = nearest_in_series

),

pairs as (

    select
        a.source as source_a,
        a.vintage as vintage_a,
        a.value_type as value_type_a,
        a.status as status_a,
        a.concept as concept_a,
        b.source as source_b,
        b.vintage as vintage_b,
        b.value_type as value_type_b,
        b.status as status_b,
        b.concept as concept_b,
        a.reporter,
        a.partner,
        a.service,
        a.flow,
        a.frequency,
        a.period_start,
        a.period_end,
        a.period_label,
        a.currency,
        a.value_million as value_a,
        b.value_million as value_b,
        a.value_million - b.value_million as difference,
        a.value_million + b.value_million as sum_of_both,
        -- both publishers round: by half a unit of their last digit each
        coalesce(a.printed_unit_million, 0.000001) / 2 + coalesce(b.printed_unit_million, 0.000001) / 2 as tolerance
    from figures as a
    inner join figures as b
        on
            a.reporter = b.reporter
            and a.partner = b.partner
            and a.service = b.service
            and a.flow = b.flow
            and {{ is_same_period_and_currency('a', 'b') }}
            and a.source < b.source

),

compared as (

    select
        *,
        abs(difference) > tolerance as is_apart,
        max(case when abs(difference) <= tolerance then period_end end) over (
            partition by source_a, source_b, reporter, partner, service, flow, frequency, currency
        ) as last_together,
        max(period_end) over (
            partition by source_a, source_b, reporter, partner, service, flow, frequency, currency
        ) as last_period
    from pairs

),

-- the periods after the last agreement; a series that never agreed has no break
breaks as (

    select
        source_a,
        source_b,
        reporter,
        partner,
        service,
        flow,
        frequency,
        currency,
        extract(year from min(period_start)) as break_year,
        min_by(abs(difference), period_start) as gap_at_break,
        {{ to_double('sum(abs(difference))') }} / count(*) as mean_gap
    from compared
    where period_end > last_together
    group by source_a, source_b, reporter, partner, service, flow, frequency, currency
    having count(*) >= {{ least_periods_apart() }}

)

select
    compared.source_a,
    sources_a.title_en as source_a_name,
    compared.vintage_a,
    compared.value_type_a,
    compared.source_b,
    sources_b.title_en as source_b_name,
    compared.vintage_b,
    compared.value_type_b,
    compared.value_type_a = compared.value_type_b as is_same_value_type,
    compared.concept_a,
    compared.concept_b,
    compared.concept_a = compared.concept_b as is_same_concept,
    compared.reporter,
    named_reporters.name_en as reporter_name_en,
    named_reporters.name_zh as reporter_name_zh,
    named_reporters.economy_type as reporter_type,
    compared.partner,
    compared.service,
    named_services.name_en as service_name_en,
    named_services.name_zh as service_name_zh,
    named_services.level as service_level,
    named_services.is_main_item,
    compared.flow,
    compared.frequency,
    compared.period_start,
    compared.period_end,
    compared.period_label,
    compared.currency,
    {{ to_double('compared.value_a') }} as value_a_million,
    compared.status_a,
    {{ to_double('compared.value_b') }} as value_b_million,
    compared.status_b,
    {{ to_double('compared.difference') }} as difference_million,
    case
        when compared.sum_of_both > 0 then {{ to_double('compared.difference') }} / {{ to_double('compared.sum_of_both') }} * 200
    end as difference_pct,
    {{ to_double('compared.tolerance') }} as tolerance_million,
    compared.is_apart,
    cast(breaks.break_year as integer) as break_year,
    case
        when breaks.break_year is not null then null
        when compared.last_together is null then 'the two never agree'
        when compared.last_together = compared.last_period then 'the two agree in the last period'
        when compared.last_together < compared.last_period then 'the two differ in the last period only'
    end as break_reason,
    {{ to_double('breaks.gap_at_break') }} as gap_at_break_million,
    breaks.mean_gap as mean_gap_since_break_million,
    {{ in_usd('compared.value_a', 'compared.currency', 'rates.rate') }} as value_a_usd_million,
    {{ in_usd('compared.value_b', 'compared.currency', 'rates.rate') }} as value_b_usd_million,
    {{ in_usd('compared.difference', 'compared.currency', 'rates.rate') }} as difference_usd_million,
    {{ reason_without_usd('compared.frequency', [('compared.currency', 'rates.rate')]) }} as usd_reason,
    {{ to_double('rates.rate') }} as rate_per_usd,
    rates.rate_source,
    rates.rate_vintage
from compared
left join named_reporters on compared.reporter = named_reporters.economy
left join named_services on compared.service = named_services.service
left join {{ ref('dim_source') }} as sources_a on compared.source_a = sources_a.source
left join {{ ref('dim_source') }} as sources_b on compared.source_b = sources_b.source
left join {{ ref('int_exchange_rate') }} as rates on {{ is_same_period_and_currency('compared', 'rates') }}
left join breaks
    on
        compared.source_a = breaks.source_a
        and compared.source_b = breaks.source_b
        and compared.reporter = breaks.reporter
        and compared.partner = breaks.partner
        and compared.service = breaks.service
        and compared.flow = breaks.flow
        and compared.frequency = breaks.frequency
        and compared.currency = breaks.currency
order by
    compared.source_a, compared.source_b, compared.reporter, compared.service, compared.flow, compared.frequency,
    compared.period_start, compared.period_end, compared.currency, compared.value_type_a, compared.value_type_b

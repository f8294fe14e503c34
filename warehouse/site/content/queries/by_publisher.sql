-- A publisher flags few breaks in its series; a fall by more than a third or a doubling within a year is marked like one.
with figures as (
    select
        compared.*,
        scale.{{ flow }}_status as status,
        lag(compared.{{ flow }}_usd_million) over (
            partition by compared.source, compared.value_type order by compared.period_start
        ) as previous_usd_million
    from bi.compare_sources as compared
    left join marts.mart_trade_scale as scale
        on
            compared.source = scale.source
            and compared.reporter = scale.reporter
            and compared.period_start = scale.period_start
            and compared.currency = scale.currency
            and compared.value_type = scale.value_type
            and scale.frequency = 'A'
    where compared.reporter = 'CHN' and compared.currency = 'USD' and compared.{{ flow }}_usd_million is not null
)

select
    period_label,
    period_start,
    {{ flow }}_usd_million,
    case
        when
            status like '%break%'
            or {{ flow }}_usd_million < previous_usd_million / 3 * 2
            or {{ flow }}_usd_million > previous_usd_million * 2
            then cast(period_label as integer)
    end as series_break_year,
    value_type,
    source,
    vintage
from figures
where period_label >= '2000'
order by source, period_label

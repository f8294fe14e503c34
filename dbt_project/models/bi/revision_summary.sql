with figures as (

    select * from {{ ref('mart_revision_summary') }}

),

indicators as (

    select * from {{ ref('worldbank_indicator') }}

)

select
    figures.source,
    figures.source_name,
    figures.series,
    -- the World Bank's indicators have names of their own
    coalesce(
        indicators.name_en, nullif(concat_ws(', ', figures.service_name_en, figures.flow), ''), figures.indicator
    ) as series_name_en,
    figures.reporter,
    figures.reporter_name_en,
    figures.reporter_name_zh,
    figures.partner,
    figures.partner_name_en,
    figures.partner_name_zh,
    figures.region,
    figures.region_name_en,
    figures.region_name_zh,
    figures.service,
    figures.service_name_en,
    figures.service_name_zh,
    figures.flow,
    figures.indicator,
    figures.frequency,
    figures.period_start,
    figures.period_end,
    figures.period_label,
    figures.first_vintage,
    figures.latest_vintage,
    figures.first_value,
    figures.second_value,
    figures.latest_value,
    figures.currency,
    figures.unit,
    figures.value_type,
    figures.revision_count,
    figures.withdrawal_count,
    figures.mean_revision,
    figures.mean_absolute_revision,
    figures.mean_absolute_revision_pct,
    figures.direction
from figures
left join indicators on figures.source = 'worldbank_wdi' and figures.indicator = indicators.indicator
order by figures.source, figures.series, figures.period_start, figures.period_end

with revisions as (

    select * from {{ ref('mart_revision') }}

),

alerts as (

    select * from {{ ref('mart_revision_alert') }}

),

indicators as (

    select * from {{ ref('worldbank_indicator') }}

),

vintages as (

    select * from {{ ref('dim_vintage') }}

)

select
    revisions.source,
    revisions.source_name,
    revisions.series,
    -- the World Bank's indicators have names of their own
    coalesce(
        indicators.name_en, nullif(concat_ws(', ', revisions.service_name_en, revisions.flow), ''), revisions.indicator
    ) as series_name_en,
    revisions.reporter,
    revisions.reporter_name_en,
    revisions.reporter_name_zh,
    revisions.partner,
    revisions.partner_name_en,
    revisions.partner_name_zh,
    revisions.region,
    revisions.region_name_en,
    revisions.region_name_zh,
    revisions.service,
    revisions.service_name_en,
    revisions.service_name_zh,
    revisions.flow,
    revisions.indicator,
    revisions.frequency,
    revisions.period_start,
    revisions.period_end,
    revisions.period_label,
    revisions.previous_vintage,
    revisions.vintage,
    vintages.known_from,
    revisions.kind,
    revisions.previous_value,
    revisions.value,
    revisions.change,
    revisions.change_pct,
    revisions.currency,
    revisions.unit,
    revisions.value_type,
    alerts.threshold_pct,
    alerts.series is not null as is_alert
from revisions
left join vintages on revisions.source = vintages.source and revisions.vintage = vintages.vintage
left join indicators on revisions.source = 'worldbank_wdi' and revisions.indicator = indicators.indicator
left join alerts
    on
        revisions.series = alerts.series
        and revisions.period_label = alerts.period_label
        and revisions.vintage = alerts.vintage
order by revisions.source, revisions.series, revisions.period_start, revisions.period_end, revisions.vintage

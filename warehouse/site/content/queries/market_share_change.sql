-- A fall of exports by more than a third, or a doubling, is marked like a break of the series, as in by_publisher.
select
    change.period_label,
    change.effect,
    change.effect_usd_million,
    change.change_usd_million,
    change.series_break_year,
    change.source,
    change.vintage
from (
    select
        cast(last_year as varchar) as period_label,
        unnest(['world', 'item', 'competitiveness']) as effect,
        unnest([world_effect_million, item_effect_million, competitiveness_effect_million]) as effect_usd_million,
        change_million as change_usd_million,
        case when change_pct < -100.0 / 3 or change_pct > 100 then last_year end as series_break_year,
        source,
        vintage
    from marts.mart_market_share_change
    where reporter = 'CHN' and span_years = 1 and world_effect_million is not null and last_year >= 2000
) as change
order by change.source, change.period_label, change.effect

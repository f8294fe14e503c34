-- Fails on a source without a row, on a series with more values than cells, and on a period retrieved before it began.
select
    sources.source,
    fresh.series,
    fresh.expected_cells,
    fresh.present_cells,
    fresh.publication_lag_days
from {{ ref('dim_source') }} as sources
left join {{ ref('mart_freshness') }} as fresh on sources.source = fresh.source
where
    fresh.source is null
    or fresh.present_cells > fresh.expected_cells
    or fresh.missing_cells <> fresh.expected_cells - fresh.present_cells
    or fresh.publication_lag_days < -366
    or (fresh.status in ('never', 'not configured')) <> (fresh.latest_vintage is null)

select
    source,
    publisher_table,
    series,
    status,
    latest_period,
    latest_vintage as vintage,
    publication_lag_days,
    expected_cells,
    missing_cells,
    held_observations,
    drift_notes
from marts.mart_freshness
order by source, series

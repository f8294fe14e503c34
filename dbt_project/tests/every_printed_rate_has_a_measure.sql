-- Fails on an indicator in percent of which neither its code nor the seed printed_rate says what it is: no reader could tell.
select distinct
    source,
    indicator
from {{ ref('mart_published_rate') }}
where measure is null

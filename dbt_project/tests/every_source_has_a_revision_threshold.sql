-- Fails on a source without a threshold: its revisions would never raise an alert.
with sources as (

    select source from {{ ref('source_facts') }}

),

thresholds as (

    select source from {{ ref('revision_threshold') }}
    where measure is null

)

select sources.source
from sources
left join thresholds on sources.source = thresholds.source
where thresholds.source is null

-- Fails on a source without a threshold: its revisions would never raise an alert.
select source from {{ ref('source_facts') }}
except
select source from {{ ref('revision_threshold') }}
where measure is null

{{ config(materialized='table', by_source=true) }}
-- A table, since several models read it and each would parse the text of all sources again.
-- A file may be older than its vintage: the part of a pull that failed is an answer of a
-- vintage before.
with observations as (

    {% for name in observed_sources() %}
        select * from {{ ref('stg_' ~ name) }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

answers as (

    select * from {{ ref('stg_landing_file') }}

)

select
    observations.*,

    coalesce(
        answers.retrieved_on, cast(substr(observations.vintage, 1, 10) as date)
    ) as retrieved_on
from observations
left join answers
    on
        observations.source = answers.source
        and observations.vintage = answers.vintage
        and split_part(observations._file, '#', 1) = answers.file

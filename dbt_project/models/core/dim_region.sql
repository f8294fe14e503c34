select
    region,

    name_en,
    name_zh,
    region_type,
    definition,
    source_url
from {{ ref('region') }}
order by region

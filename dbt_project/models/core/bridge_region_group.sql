select
    region_group,
    region
from {{ ref('region_member') }}
order by region_group, region

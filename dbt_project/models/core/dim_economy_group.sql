select
    group_code,

    name_en,
    name_zh,
    definition,
    source_url
from {{ ref('economy_group') }}
order by group_code

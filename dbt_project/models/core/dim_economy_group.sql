select
    group_code,

    name_en,
    name_zh,
    definition,
    valid_from,
    valid_from_source_url,
    source_url
from {{ ref('economy_group') }}
order by group_code

select
    group_code,
    economy,

    valid_from,
    valid_to,
    source_url,
    note
from {{ ref('economy_group_member') }}
order by group_code, economy, valid_from

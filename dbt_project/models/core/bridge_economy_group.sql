select
    members.group_code,
    members.economy,

    -- a list without dates holds from the first day of its group, and not in all of history
    coalesce(members.valid_from, economy_groups.valid_from) as valid_from,
    members.valid_to,
    members.source_url,
    members.note
from {{ ref('economy_group_member') }} as members
left join {{ ref('economy_group') }} as economy_groups on members.group_code = economy_groups.group_code
order by members.group_code, members.economy, coalesce(members.valid_from, economy_groups.valid_from)

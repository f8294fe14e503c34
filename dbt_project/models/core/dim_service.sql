select
    service,
    parent_service,
    level,

    name_en,
    name_zh,
    is_knowledge_intensive,
    is_digitally_deliverable,
    is_traditional,
    is_derived,
    coalesce(parent_service = 'S' and not is_derived, false) as is_main_item,
    definition,
    source_url
from {{ ref('services') }}
order by service

select
    source,

    publisher,
    publisher_table,
    title_en,
    title_zh,
    homepage,
    licence,
    is_world_stated,
    goods_source,
    services_source
from {{ ref('source_facts') }}
order by source

select
    source,

    publisher,
    publisher_zh,
    publisher_table,
    title_en,
    title_zh,
    content_en,
    content_zh,
    homepage,
    licence,
    world_basis,
    coalesce(world_basis = 'stated', false) as is_world_stated,
    goods_source,
    services_source
from {{ ref('source_facts') }}
order by source

select
    source,

    publisher,
    publisher_table,
    title_en,
    title_zh,
    homepage,
    licence,
    expected_lag_days,
    has_world_row,
    goods_source
from {{ ref('source_facts') }}
order by source

select
    economy,
    iso2,
    m49,

    name_en,
    name_zh,
    economy_type,
    valid_from,
    valid_to
from {{ ref('economies') }}
order by economy

-- A source more is one line more here.
select * from {{ ref('stg_safe_bop') }}
union all
select * from {{ ref('stg_unctad_goods') }}
union all
select * from {{ ref('stg_unctad_services') }}
union all
select * from {{ ref('stg_worldbank_wdi') }}

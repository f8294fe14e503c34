{{ config(materialized='table') }}
-- A table, since several models read it and each would parse the text of all sources again.
-- Each source is one line.
select * from {{ ref('stg_atlas_services') }}
union all
select * from {{ ref('stg_batis') }}
union all
select * from {{ ref('stg_curated') }}
union all
select * from {{ ref('stg_data360_digital') }}
union all
select * from {{ ref('stg_mofcom_totals') }}
union all
select * from {{ ref('stg_nbs_accounts') }}
union all
select * from {{ ref('stg_ons_services') }}
union all
select * from {{ ref('stg_safe_bop') }}
union all
select * from {{ ref('stg_unctad_goods') }}
union all
select * from {{ ref('stg_unctad_services') }}
union all
select * from {{ ref('stg_worldbank_wdi') }}
union all
select * from {{ ref('stg_wto_digital') }}
union all
select * from {{ ref('stg_wto_merchandise') }}
union all
select * from {{ ref('stg_wto_services') }}

-- Fails where openness_pct of mart_trade_scale is not the total in percent of the World Bank's GDP in mart_trade_per_head, or one of
-- them is missing: two marts must not state two figures of one ratio.
with openness as (

    select * from {{ ref('mart_trade_scale') }}
    where openness_pct is not null

),

shares as (

    select * from {{ ref('mart_trade_per_head') }}
    where flow = 'total' and size_source = 'worldbank_wdi' and share_of_gdp_pct is not null

)

select
    coalesce(openness.source, shares.source) as source,
    coalesce(openness.reporter, shares.reporter) as reporter,
    coalesce(openness.period_label, shares.period_label) as period_label,
    openness.openness_pct,
    shares.share_of_gdp_pct
from openness
full outer join shares
    on {{ is_same_cell('openness', 'shares') }}
where openness.source is null or shares.source is null or openness.openness_pct <> shares.share_of_gdp_pct

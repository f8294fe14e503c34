select
    partner,
    partner_name_en,
    partner_name_zh,
    period_label,
    value_usd_million,
    share_pct,
    growth_pct,
    partner_rank,
    value_type,
    source,
    vintage
from bi.partner
where
    reporter = 'CHN' and flow = '{{ flow }}' and partner_rank <= 20
    and period_label = (
        select max(latest.period_label)
        from bi.partner as latest
        where latest.reporter = 'CHN' and latest.flow = '{{ flow }}' and latest.partner_rank is not null
    )
order by partner_rank, partner

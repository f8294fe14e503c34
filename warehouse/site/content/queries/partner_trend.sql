with ranked as (

    select
        partner,
        rank() over (order by sum(value_usd_million) desc) as size_rank
    from bi.partner
    where
        reporter = 'CHN'
        and period_label = (
            select max(latest.period_label)
            from bi.partner as latest
            where latest.reporter = 'CHN' and latest.partner_rank is not null
        )
    group by partner

)

select
    partner.partner,
    partner.partner_name_en,
    partner.partner_name_zh,
    partner.period_label,
    partner.period_start,
    sum(partner.value_usd_million) as total_usd_million,
    sum(case when partner.flow = 'exports' then partner.value_usd_million end) as exports_usd_million,
    sum(case when partner.flow = 'imports' then partner.value_usd_million end) as imports_usd_million,
    partner.value_type,
    partner.source,
    partner.vintage
from bi.partner
inner join ranked on partner.partner = ranked.partner
where partner.reporter = 'CHN' and ranked.size_rank <= 8
group by all
having count(partner.value_usd_million) = 2
order by partner.partner, partner.period_label

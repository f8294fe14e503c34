-- Do China's exports rise or fall, when the season is taken out?
select
    period_label as quarter,
    value_million,
    seasonally_adjusted_million,
    seasonally_adjusted_growth_pct,
    rolling_year_million
from marts.mart_trade_short_term
where
    source = 'safe_bop' and reporter = 'CHN' and frequency = 'Q' and currency = 'USD' and service = 'S' and flow = 'exports'
order by period_start desc
limit 8

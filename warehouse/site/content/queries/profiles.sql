-- Each figure is of the newest year that has it: items, partners, GDP and digital services are known later than amounts.
with newest as (

    select
        reporter,
        arg_max(profile, period_label) as any_year,
        arg_max(profile, period_label) filter (where exports_usd_million is not null) as exports,
        arg_max(profile, period_label) filter (where exports_growth_pct is not null) as exports_growth,
        arg_max(profile, period_label) filter (where imports_usd_million is not null) as imports,
        arg_max(profile, period_label) filter (where imports_growth_pct is not null) as imports_growth,
        arg_max(profile, period_label) filter (where total_usd_million is not null) as total,
        arg_max(profile, period_label) filter (where balance_usd_million is not null) as balance,
        arg_max(profile, period_label) filter (where world_source is not null) as world_shares,
        arg_max(profile, period_label) filter (where services_share_of_trade_pct is not null) as all_trade,
        arg_max(profile, period_label) filter (where openness_pct is not null) as openness,
        arg_max(profile, period_label) filter (where tc is not null) as tc_index,
        arg_max(profile, period_label) filter (where top_exports_service is not null) as export_item,
        arg_max(profile, period_label) filter (where top_imports_service is not null) as import_item,
        arg_max(profile, period_label) filter (where hhi_services is not null) as items_index,
        arg_max(profile, period_label) filter (where top_exports_partner is not null) as market,
        arg_max(profile, period_label) filter (where top_imports_partner is not null) as supplier,
        arg_max(profile, period_label) filter (where hhi_partners is not null) as partners_index,
        arg_max(profile, period_label) filter (where digital_exports_share_pct is not null) as digital_exports,
        arg_max(profile, period_label) filter (where digital_imports_share_pct is not null) as digital_imports,
        arg_max(profile, period_label) filter (where sources_gap_pct is not null) as sources_gap
    from bi.profile
    group by reporter

),

profiles as (

    select
        *,
        coalesce(sources_gap, any_year) as sources
    from newest

)

select
    profiles.reporter,
    profiles.exports.exports_usd_million,
    profiles.exports.period_label as exports_period,
    profiles.exports.source as exports_source,
    profiles.exports_growth.exports_growth_pct,
    profiles.exports_growth.period_label as exports_growth_period,
    profiles.exports_growth.source as exports_growth_source,
    profiles.imports.imports_usd_million,
    profiles.imports.period_label as imports_period,
    profiles.imports.source as imports_source,
    profiles.imports_growth.imports_growth_pct,
    profiles.imports_growth.period_label as imports_growth_period,
    profiles.imports_growth.source as imports_growth_source,
    profiles.total.total_usd_million,
    profiles.total.period_label as total_period,
    profiles.total.source as total_source,
    profiles.balance.balance_usd_million,
    profiles.balance.period_label as balance_period,
    profiles.balance.source as balance_source,
    profiles.world_shares.world_export_share_pct,
    profiles.world_shares.world_import_share_pct,
    profiles.world_shares.world_total_share_pct,
    profiles.world_shares.world_rank,
    profiles.world_shares.period_label as world_shares_period,
    profiles.world_shares.world_source as world_shares_source,
    profiles.all_trade.services_share_of_trade_pct,
    profiles.all_trade.period_label as all_trade_period,
    profiles.all_trade.source as all_trade_source,
    profiles.openness.openness_pct,
    profiles.openness.period_label as openness_period,
    profiles.openness.source as openness_source,
    profiles.tc_index.tc,
    profiles.tc_index.period_label as tc_index_period,
    profiles.tc_index.source as tc_index_source,
    profiles.export_item.top_exports_service_name_en,
    profiles.export_item.top_exports_service_name_zh,
    profiles.export_item.top_exports_service_share_pct,
    profiles.export_item.period_label as export_item_period,
    profiles.export_item.items_source as export_item_source,
    profiles.import_item.top_imports_service_name_en,
    profiles.import_item.top_imports_service_name_zh,
    profiles.import_item.top_imports_service_share_pct,
    profiles.import_item.period_label as import_item_period,
    profiles.import_item.items_source as import_item_source,
    profiles.items_index.hhi_services,
    profiles.items_index.period_label as items_index_period,
    profiles.items_index.items_source as items_index_source,
    profiles.market.top_exports_partner_name_en,
    profiles.market.top_exports_partner_name_zh,
    profiles.market.top_exports_partner_share_pct,
    profiles.market.period_label as market_period,
    profiles.market.partner_source as market_source,
    profiles.supplier.top_imports_partner_name_en,
    profiles.supplier.top_imports_partner_name_zh,
    profiles.supplier.top_imports_partner_share_pct,
    profiles.supplier.period_label as supplier_period,
    profiles.supplier.partner_source as supplier_source,
    profiles.partners_index.hhi_partners,
    profiles.partners_index.period_label as partners_index_period,
    profiles.partners_index.partner_source as partners_index_source,
    profiles.digital_exports.digital_exports_share_pct,
    profiles.digital_exports.period_label as digital_exports_period,
    profiles.digital_exports.digital_source as digital_exports_source,
    profiles.digital_imports.digital_imports_share_pct,
    profiles.digital_imports.period_label as digital_imports_period,
    profiles.digital_imports.digital_source as digital_imports_source,
    profiles.sources.sources_counted,
    profiles.sources.sources_gap_pct,
    profiles.sources.period_label as sources_period,
    profiles.sources.source as sources_source,
    case when profiles.world_shares is null then profiles.any_year.world_reason end as world_reason,
    case when profiles.openness is null then profiles.any_year.openness_reason end as openness_reason,
    case when profiles.export_item is null or profiles.import_item is null then profiles.any_year.items_reason end
        as items_reason,
    case when profiles.market is null or profiles.supplier is null then profiles.any_year.partner_reason end
        as partner_reason,
    case when profiles.digital_exports is null or profiles.digital_imports is null then profiles.any_year.digital_reason end
        as digital_reason
from profiles
order by profiles.reporter

-- Fails on a cell of either trade mart that has no preferred row, or more than one, and so on a source or currency that
-- seeds.source_precedence lacks. A filter on is_preferred must give every cell once.
with cells as (

    select
        'mart_trade_scale' as mart,
        reporter,
        period_label,
        'S' as service,
        'both' as flow,
        sum(case when is_preferred then 1 when not is_preferred then 0 end) as preferred
    from {{ ref('mart_trade_scale') }}
    group by reporter, period_label

    union all

    select
        'mart_trade_structure' as mart,
        reporter,
        period_label,
        service,
        flow,
        sum(case when is_preferred then 1 when not is_preferred then 0 end) as preferred
    from {{ ref('mart_trade_structure') }}
    group by reporter, period_label, service, flow

)

select * from cells
where preferred <> 1

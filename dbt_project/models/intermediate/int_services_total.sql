{{ config(by_source=['int_trade_by_cell']) }}
-- A source that prints a group without all services takes them from its dim_source.services_source. That source may state
-- them by several types of value: the one with the lowest number of precedence is used.
with totals as (

    select
        cells.*,
        row_number() over (
            partition by cells.source, cells.reporter, cells.frequency, cells.period_start, cells.period_end, cells.currency
            order by precedence.priority nulls last
        ) as preference
    from {{ ref('int_trade_by_cell') }} as cells
    left join {{ ref('source_precedence') }} as precedence
        on
            cells.source = precedence.source
            and cells.currency = precedence.currency
            and cells.value_type = precedence.value_type
    where cells.service = 'S'

)

select
    {{ reporter_cell_columns() }},
    exports_million,
    imports_million,
    total_million,
    balance_million,
    preference
from totals

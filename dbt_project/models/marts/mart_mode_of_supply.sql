{%- set modes = [1, 2, 3, 4] %}
with named_sources as (

    select * from {{ ref('dim_source') }}

),

named_reporters as (

    select * from {{ ref('dim_economy') }}

),

services as (

    select * from {{ ref('dim_service') }}

),

supply as (

    select * from {{ ref('fct_mode_of_supply') }}
    where partner = 'WLD'

),

-- Services trade as in the balance of payments: the one series that is preferred for the economy and period.
balance_of_payments as (

    select trade.*
    from {{ ref('int_trade_by_cell') }} as trade
    inner join {{ ref('int_preferred_series') }} as preferred on {{ is_same_cell_in_any_vintage('trade', 'preferred') }}

),

pivoted as (

    select
        {{ reporter_cell_columns() }},
        service,
        {% for mode in modes -%}
            max(case when indicator = 'mode_{{ mode }}' then value_million end) as mode_{{ mode }}_million,
            max(
                case when indicator = 'mode_{{ mode }}' and status is not null then concat_ws('', 'mode {{ mode }}: ', status) end
            ) as mode_{{ mode }}_status,
        {% endfor -%}
        flow
    from supply
    group by {{ reporter_cell_columns() }}, service, flow

),

-- Null where one of the modes is not stated.
summed as (

    select
        *,
        cast(mode_1_million + mode_2_million + mode_3_million + mode_4_million as decimal(38, 18)) as total_million,
        cast(mode_1_million + mode_2_million + mode_4_million as decimal(38, 18)) as cross_border_million
    from pivoted

)

select
    {{ reporter_cell_columns('summed') }},
    named_sources.title_en as source_name,
    named_reporters.name_en as reporter_name_en,
    named_reporters.name_zh as reporter_name_zh,
    named_reporters.economy_type as reporter_type,
    nullif(
        concat_ws(
            ', ', summed.mode_1_status, summed.mode_2_status, summed.mode_3_status, summed.mode_4_status
        ), ''
    ) as status,
    summed.service,
    services.name_en as service_name_en,
    services.name_zh as service_name_zh,
    services.level as service_level,
    services.is_derived as is_derived_service,
    summed.flow,
    {% for mode in modes -%}
        {{ to_double('summed.mode_' ~ mode ~ '_million') }} as mode_{{ mode }}_million,
    {% endfor -%}
    {{ to_double('summed.total_million') }} as total_million,
    {% for mode in modes -%}
        {{ ratio_pct('summed.mode_' ~ mode ~ '_million', 'summed.total_million') }} as mode_{{ mode }}_share_pct,
    {% endfor -%}
    {{ to_double('summed.cross_border_million') }} as cross_border_million,
    {% for mode in [1, 2, 4] -%}
        {{ ratio_pct('summed.mode_' ~ mode ~ '_million', 'summed.cross_border_million') }} as mode_{{ mode }}_cross_border_share_pct,
    {% endfor -%}
    {{ to_double(amount_of_flow('summed.flow', 'balance_of_payments')) }} as bop_million,
    {% for column in ['source', 'vintage'] -%}
        case
            when {{ amount_of_flow('summed.flow', 'balance_of_payments') }} is not null then balance_of_payments.{{ column }}
        end as bop_{{ column }},
    {% endfor -%}
    {{ ratio_pct('summed.cross_border_million', amount_of_flow('summed.flow', 'balance_of_payments')) }} as cross_border_of_bop_pct
from summed
left join named_sources on summed.source = named_sources.source
left join named_reporters on summed.reporter = named_reporters.economy
left join services on summed.service = services.service
left join balance_of_payments
    on
        summed.reporter = balance_of_payments.reporter
        and summed.service = balance_of_payments.service
        and {{ is_same_period_and_currency('summed', 'balance_of_payments') }}
order by
    summed.source, summed.reporter, summed.service, summed.flow, summed.frequency, summed.period_start, summed.period_end,
    summed.currency, summed.value_type

-- Fails where a plain sum over rows of schema bi is more than the figure of the whole, by more than rounding: 0.1 % or 1 million.
-- Where all twelve items are there, their sum is the total; a profile is the total. Partners and items that a source leaves
-- out make a sum smaller, and some sources publish no total: in any case no partner, item or period is there twice. The trade
-- with a bloc is the sum over the members that it had on the last day of the year. A group of provinces is no row. Four quarters
-- of one source are its year.
with wholes as (

    {% for flow in ('exports', 'imports') %}
        select
            reporter,
            period_label,
            '{{ flow }}' as flow,
            source,
            {{ flow }}_usd_million as value_usd_million
        from {{ ref('compare_sources') }}
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

sums as (

    {% for table in ('mix', 'partner', 'digital') %}
        select
            '{{ table }}' as table_name,
            reporter,
            period_label,
            flow,
            min(source) as source,
            count(distinct source) as source_count,
            {{ 'count(*) = 12' if table == 'mix' else 'false' }} as is_whole,
            count(*) > count(distinct {{ {'mix': 'service', 'partner': 'partner', 'digital': 'period_label'}[table] }}) as is_repeated,
            sum(value_usd_million) as value_usd_million
        from {{ ref(table) }}
        group by reporter, period_label, flow
        union all
    {% endfor %}
    {% for flow in ('exports', 'imports') %}
        select
            'quarterly' as table_name,
            reporter,
            substr(period_label, 1, 4) as period_label,
            '{{ flow }}' as flow,
            min(source) as source,
            1 as source_count,
            count(distinct source) = 1 and count({{ flow }}_usd_million) = 4 as is_whole,
            count(*) > count(distinct period_label) as is_repeated,
            case when count(distinct source) = 1 then sum({{ flow }}_usd_million) end as value_usd_million
        from {{ ref('quarterly') }}
        group by reporter, substr(period_label, 1, 4)
        union all
        {% for table in ('annual', 'profile') %}
            select
                '{{ table }}' as table_name,
                reporter,
                period_label,
                '{{ flow }}' as flow,
                min(source) as source,
                count(distinct source) as source_count,
                true as is_whole,
                count(*) > 1 as is_repeated,
                sum({{ flow }}_usd_million) as value_usd_million
            from {{ ref(table) }}
            group by reporter, period_label
            {{ 'union all' if not loop.last }}
        {% endfor %}
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

members as (

    select
        trade.reporter,
        trade.period_label,
        trade.flow,
        trade.source,
        trade.value_type,
        bridge.group_code,
        sum(trade.value_million) as value_usd_million
    from {{ ref('mart_trade_partner') }} as trade
    inner join {{ ref('bridge_economy_group') }} as bridge
        on
            trade.partner = bridge.economy
            and trade.partner <> trade.reporter
            and trade.period_end >= coalesce(bridge.valid_from, trade.period_end)
            and trade.period_end <= coalesce(bridge.valid_to, trade.period_end)
    where trade.frequency = 'A' and trade.currency = 'USD' and trade.service = 'S'
    group by trade.reporter, trade.period_label, trade.flow, trade.source, trade.value_type, bridge.group_code

),

-- blocs that are not the sum of their members, and groups of provinces
other_levels as (

    select
        concat_ws('', 'bloc ', bloc.group_code) as table_name,
        bloc.reporter,
        bloc.period_label,
        bloc.flow,
        bloc.source,
        bloc.value_usd_million,
        members.value_usd_million as whole_usd_million
    from {{ ref('bloc') }} as bloc
    left join members
        on
            bloc.reporter = members.reporter
            and bloc.period_label = members.period_label
            and bloc.flow = members.flow
            and bloc.source = members.source
            and bloc.value_type = members.value_type
            and bloc.group_code = members.group_code
    where not coalesce(abs(bloc.value_usd_million - members.value_usd_million) <= 0.000001 * abs(members.value_usd_million), false)
    union all
    select
        'regional' as table_name,
        regional.region as reporter,
        regional.period_label,
        'total' as flow,
        regional.source,
        regional.total_usd_million as value_usd_million,
        null as whole_usd_million
    from {{ ref('regional') }} as regional
    inner join {{ ref('dim_region') }} as regions on regional.region = regions.region
    where regions.region_type <> 'province'

),

compared as (

    select
        sums.*,
        wholes.value_usd_million as whole_usd_million,
        1 + 0.001 * abs(wholes.value_usd_million) as tolerance
    from sums
    left join wholes
        on
            sums.reporter = wholes.reporter
            and sums.period_label = wholes.period_label
            and sums.flow = wholes.flow
            and sums.source = wholes.source

)

select
    table_name,
    reporter,
    period_label,
    flow,
    source,
    value_usd_million,
    whole_usd_million
from compared
where
    source_count > 1
    or is_repeated
    or value_usd_million > whole_usd_million + tolerance
    or (is_whole and abs(value_usd_million - whole_usd_million) > tolerance)
union all
select
    table_name,
    reporter,
    period_label,
    flow,
    source,
    value_usd_million,
    whole_usd_million
from other_levels

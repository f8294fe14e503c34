{{ config(by_source=true) }}
-- An estimate in which only another measure changed is no new estimate of this measure.
{%- set measures = {
    'level': (to_double('value'), "unit <> 'pct' and abs(value) >= 0.000001"),
    'percentage': (to_double('value'), "unit = 'pct'"),
    'growth': ("growth_pct", "growth_pct is not null"),
    'share': ("share_pct", "share_pct is not null"),
} %}

with estimates as (

    select * from {{ ref('int_estimate') }}

),

newest_vintages as (

    select
        source,
        max(vintage) as vintage
    from {{ ref('dim_vintage') }}
    group by source

),

measured as (

    {% for measure, (figure, condition) in measures.items() %}
        select
            {{ cell_columns() }},
            vintage,
            known_from,
            until_vintage,
            '{{ measure }}' as measure,
            {{ figure }} as estimate
        from estimates
        where {{ condition }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

in_order as (

    select
        *,
        lag(estimate) over (partition by {{ cell_columns() }}, measure order by vintage) as previous_estimate,
        max(case when until_vintage is null then estimate end) over (partition by {{ cell_columns() }}, measure) as latest_estimate
    from measured

)

select
    {{ cell_columns('in_order') }},
    in_order.measure,
    in_order.vintage,
    in_order.known_from,
    in_order.estimate,
    case when in_order.latest_estimate <> in_order.estimate then in_order.latest_estimate end as latest_estimate
from in_order
inner join newest_vintages on in_order.source = newest_vintages.source
where
    in_order.vintage < newest_vintages.vintage
    and in_order.estimate is distinct from in_order.previous_estimate

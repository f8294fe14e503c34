-- Fails on a source whose facts do not have as many figures as its latest observations. Left out on purpose: goods and services
-- together (GS), which a source prints beside both of them, and goods of one partner or province, for which there is no fact.
with latest as (

    select
        source,
        count(*) as observations
    from {{ ref('int_observations_latest') }}
    where
        (value is not null or status = '{{ not_compiled() }}')
        and (
            service is null
            or service not in ('G', 'GS')
            or (service = 'G' and partner = 'WLD' and region is null)
        )
    group by source

),

facts as (

    {% for fact in facts() %}
        select source from {{ ref(fact) }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

counted as (

    select
        source,
        count(*) as figures
    from facts
    group by source

)

select
    latest.source,
    latest.observations,
    counted.figures
from latest
left join counted on latest.source = counted.source
where latest.observations <> coalesce(counted.figures, 0)

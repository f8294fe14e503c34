{{ config(by_source=['int_vintages', 'stg_landing_vintage']) }}
with vintages as (

    select * from {{ ref('int_vintages') }}

),

landed as (

    select * from {{ ref('stg_landing_vintage') }}

)

select
    vintages.source,
    vintages.vintage,

    vintages.previous_vintage,
    vintages.next_vintage,
    landed.vintage_date as known_from,
    landed.retrieved_at,
    landed.row_count
from vintages
inner join landed
    on
        vintages.source = landed.source
        and vintages.vintage = landed.vintage
order by vintages.source, vintages.vintage

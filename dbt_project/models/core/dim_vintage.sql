with vintages as (

    select * from {{ ref('int_vintages') }}

),

landed as (

    select * from {{ source('raw', 'landing_vintage') }}

)

select
    vintages.source,
    vintages.vintage,

    vintages.previous_vintage,
    vintages.next_vintage,
    cast(substr(vintages.vintage, 1, 10) as date) as known_from,
    landed.retrieved_at,
    landed.row_count
from vintages
inner join landed
    on
        vintages.source = landed.source
        and vintages.vintage = landed.vintage
order by vintages.source, vintages.vintage

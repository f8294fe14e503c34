with vintages as (

    select
        source,
        vintage,

        is_loaded,
        is_compared
    from {{ source('raw', 'landing_vintage') }}
    where substr(vintage, 1, 10) <= '{{ var("as_of") }}'

),

ordered as (

    select
        source,
        vintage,

        is_loaded,
        is_compared,
        lag(vintage) over (partition by source order by vintage) as previous_vintage,
        lead(vintage) over (partition by source order by vintage) as next_vintage
    from vintages

)

select * from ordered

with source as (

    select * from {{ source('raw', 'safe_monthly') }}

),

items as (

    select * from {{ ref('safe_monthly_item') }}

),

units as (

    select * from {{ ref('safe_unit') }}

),

-- A balance is the sum of its credit and debit, within rounding, so it is left out.
kept as (

    select
        *,
        -- NO_FIGURE of the reader
        case when value in ('/', '／', '-', '－', '–', '—', '——', '…') then value end as mark
    from source
    where entry is distinct from 'balance'

),

renamed as (

    select
        'safe_monthly' as source,
        kept.vintage,

        'CHN' as reporter,
        'WLD' as partner,
        cast(null as {{ dbt.type_string() }}) as region,
        {{ mapped('items.item_code', 'items.service', 'item', 'kept.item_code', 'safe_monthly_item') }} as service,
        cast(null as {{ dbt.type_string() }}) as indicator,
        case kept.entry
            when 'credit' then 'exports'
            when 'debit' then 'imports'
            else {{ unknown_code('safe_monthly', 'entry', 'kept.entry', 'An entry is balance, credit or debit') }}
        end as flow,
        'M' as frequency,
        {{ month_of('kept.period') }} as period_start,
        last_day({{ month_of('kept.period') }}) as period_end,

        cast(
            case
                when kept.mark is not null then null
                when kept.entry = 'debit' then -cast(kept.value as decimal(28, 18))
                when kept.entry = 'credit' then cast(kept.value as decimal(28, 18))
            end * cast({{ required('units.unit', 'units.millions', 'safe_monthly', 'unit', 'kept.unit', 'safe_unit') }} as decimal(3, 0))
            as decimal(38, 18)
        ) as value,
        {{ required('units.unit', 'units.currency', 'safe_monthly', 'unit', 'kept.unit', 'safe_unit') }} as currency,
        'million' as unit,
        'reported' as value_type,
        -- SAFE prints whole numbers, "rounded to the nearest" by its own note
        coalesce(kept.mark, case when kept.value not like '%.%' then 'rounded' end) as status,

        kept._file,
        kept._row
    from kept
    left join items on kept.item_code = items.item_code
    left join units on kept.unit = units.unit

)

select * from renamed

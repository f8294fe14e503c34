with source as (

    select * from {{ source('raw', 'safe_bop') }}

),

items as (

    select * from {{ ref('safe_item') }}

),

units as (

    select * from {{ ref('safe_unit') }}

),

gaps as (

    select * from {{ ref('not_compiled') }}
    where source = 'safe_bop'

),

corrections as (

    select * from {{ ref('safe_correction') }}

),

-- A balance is the sum of its credit and debit: the publisher states the finer figures, so it is left out.
kept as (

    select
        source.*,
        coalesce(corrections.corrected_value, source.value) as value_meant,
        case when corrections.why is not null then concat_ws('', 'corrected: ', corrections.why) end as correction,
        -- NO_FIGURE of the reader
        case when source.value in ('/', '／', '-', '－', '–', '—', '——', '…') then source.value end as mark
    from source
    left join corrections
        on
            source.unit = corrections.unit
            and source.period = corrections.period
            and source.item_code = corrections.item_code
            and source.entry = corrections.entry
            and source.value = corrections.published_value
    where source.entry is distinct from 'balance'

),

renamed as (

    select
        'safe_bop' as source,
        kept.vintage,

        'CHN' as reporter,
        'WLD' as partner,
        cast(null as {{ dbt.type_string() }}) as region,
        {{ mapped('items.item_code', 'items.service', 'item', 'kept.item_code', 'safe_item') }} as service,
        cast(null as {{ dbt.type_string() }}) as indicator,
        case kept.entry
            when 'credit' then 'exports'
            when 'debit' then 'imports'
            else {{ unknown_code('safe_bop', 'entry', 'kept.entry', 'An entry is balance, credit or debit') }}
        end as flow,
        case
            when substr(kept.sheet, 1, 2) = '年度' and length(kept.period) = 4 then 'A'
            when substr(kept.sheet, 1, 2) = '季度' and length(kept.period) = 6 and substr(kept.period, 5, 1) = 'Q' then 'Q'
            else
                {{ unknown_code(
                    'safe_bop', 'sheet and period', "concat_ws('', kept.sheet, ' ', kept.period)",
                    'A sheet is annual with years or quarterly with quarters'
                ) }}
        end as frequency,
        {{ year_or_quarter_start('kept.period') }} as period_start,
        {{ year_or_quarter_end('kept.period') }} as period_end,

        cast(
            case
                when kept.mark is not null then null
                when kept.entry = 'debit' then -cast(kept.value_meant as decimal(38, 20))
                when kept.entry = 'credit' then cast(kept.value_meant as decimal(38, 20))
            end * cast({{ required('units.unit', 'units.millions', 'safe_bop', 'unit', 'kept.unit', 'safe_unit') }} as decimal(3, 0))
            as decimal(38, 18)
        ) as value,
        {{ required('units.unit', 'units.currency', 'safe_bop', 'unit', 'kept.unit', 'safe_unit') }} as currency,
        'million' as unit,
        'reported' as value_type,
        coalesce(kept.correction, kept.mark) as status,

        kept._file,
        kept._row
    from kept
    left join items on kept.item_code = items.item_code
    left join units on kept.unit = units.unit

)

select
    {% for column in observation_columns() if column not in ('value', 'status', '_file', '_row') -%}
        renamed.{{ column }},
        {% if column == 'period_end' -%}
            case when gaps.service is null or renamed.value <> 0 then renamed.value end as value,
        {% endif -%}
    {% endfor -%}
    case when gaps.service is not null and renamed.value = 0 then '{{ not_compiled() }}' else renamed.status end as status,
    renamed._file,
    renamed._row
from renamed
left join gaps
    on
        renamed.service = gaps.service
        and renamed.flow = gaps.flow
        and renamed.period_start >= gaps.first_day
        and renamed.period_end <= gaps.last_day

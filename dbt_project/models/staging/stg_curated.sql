-- Over 150 lines, since the figures of analysts mix areas, spans, units and currencies: each is mapped here, by name.
with source as (

    select
        *,
        -- January to December is the year, in which it is compared with the figures of other sources.
        case
            when
                length(period) in (15, 16)
                and substr(period, 1, 8) = concat_ws('', substr(period, 1, 4), '-01', substr(period, 8, 1))
                and right(period, 7) = concat_ws('', substr(period, 1, 4), '-12')
                then substr(period, 1, 4)
            else replace(period, '..', '/')
        end as span
    from {{ source('raw', 'curated') }}

),

areas as (

    select
        *,
        coalesce(reporter, why_not) as known
    from {{ ref('curated_area') }}

),

services as (

    select
        *,
        coalesce(observed_service, why_not) as known
    from {{ ref('curated_service') }}

),

units as (

    select * from {{ ref('curated_unit') }}

),

-- Codes that are not in the seeds fail here, also those of rows that are left out below.
known as (

    select
        source.*,
        {{ mapped(
            'areas.known', "coalesce(areas.reporter, '')",
            'area', "concat_ws('', source.area, ', ', source.area_type)", 'curated_area'
        ) }} as reporter,
        areas.partner,
        areas.region,
        (
            source.currency is null or areas.area is null
            or concat_ws('', ' ', areas.currencies, ' ') like concat_ws('', '% ', source.currency, ' %')
        ) as is_currency_of_area,
        {{ mapped(
            'services.known', "coalesce(services.observed_service, '')",
            'service', 'source.service', 'curated_service'
        ) }} as observed_service,
        case
            when source.measure = 'trade'
                then
                    cast(
                        {{ required('units.unit', 'units.millions', 'curated', 'unit', 'source.unit', 'curated_unit') }}
                        as decimal(14, 6)
                    )
            when source.measure in ('growth', 'share') and source.unit = 'percent' then cast('1' as decimal(14, 6))
            else
                {{ unknown_code(
                    'curated', 'measure and unit', "concat_ws('', source.measure, ' ', source.unit)",
                    'A measure is trade, growth or share, the latter two in percent'
                ) }}
        end as scale
    from source
    left join areas on source.area = areas.area and source.area_type = areas.area_type
    left join services on source.service = services.service
    left join units on source.unit = units.unit

),

periods as (

    select
        *,
        case
            when length(span) = 4 then 'A'
            when length(span) = 7 and substr(span, 6, 1) = 'Q' then 'Q'
            when length(span) = 7 then 'M'
            when length(span) in (9, 15) then 'C'
            else {{ unknown_code('curated', 'period', 'period', 'See warehouse/sources/curated.py for the forms') }}
        end as frequency,
        case
            when length(span) in (4, 9) then {{ year_start('substr(span, 1, 4)') }}
            when substr(span, 6, 1) = 'Q' then {{ quarter_start('substr(span, 1, 4)', 'substr(span, 7, 1)') }}
            else make_date(cast(substr(span, 1, 4) as integer), cast(substr(span, 6, 2) as integer), 1)
        end as period_start,
        case
            when length(span) = 4 then {{ year_end('span') }}
            when length(span) = 9 then {{ year_end('substr(span, 6, 4)') }}
            when substr(span, 6, 1) = 'Q'
                then last_day({{ quarter_last_month('substr(span, 1, 4)', 'substr(span, 7, 1)') }})
            when length(span) = 7
                then last_day(make_date(cast(substr(span, 1, 4) as integer), cast(substr(span, 6, 2) as integer), 1))
            else last_day(make_date(cast(substr(span, 9, 4) as integer), cast(substr(span, 14, 2) as integer), 1))
        end as period_end
    from known

),

renamed as (

    select
        'curated' as source,
        vintage,

        -- A mark in place of a reporter holds a figure out of the facts, and lists it in core.held_row.
        case
            when reporter = '' or reporter like '?%' then reporter
            when implausible is not null
                then
                    concat_ws(
                        '',
                        '?|implausible|', _file, ' line ', cast(_row as {{ dbt.type_string() }}), ', ',
                        area, ', ', span, ', ', measure, ' ', service, ' ', flow, ': ', implausible
                    )
            when not is_currency_of_area then concat_ws('', '?curated_area|currency|', currency, ' of ', area, ', ', area_type)
            else reporter
        end as reporter,
        partner,
        region,
        case when measure = 'trade' then observed_service end as service,
        case
            when measure <> 'trade'
                then concat_ws(
                    '', measure, '_pct.', observed_service, '.', flow,
                    case when currency is not null then concat_ws('', '.', currency) end
                )
        end as indicator,
        case when measure = 'trade' then flow end as flow,
        frequency,
        period_start,
        period_end,

        cast(cast(value as decimal(24, 10)) * scale as decimal(38, 18)) as value,
        case when measure = 'trade' then currency end as currency,
        case when measure = 'trade' then 'million' when measure <> 'trade' then 'pct' end as unit,
        'reported' as value_type,
        status as page_status,
        concat_ws(
            ', ', status,
            case
                when note like '%printed: rounded%' then 'rounded'
                when note like '%printed: about%' then 'about'
                when note like '%printed: more than%' then 'more than'
                when note like '%printed: less than%' then 'less than'
            end,
            -- The pattern is also that of warehouse/sources/_curated_plausible.py.
            case when {{ is_match('note', "'(^|[^A-Za-z0-9_])checked: *[^ ]'") }} then 'checked' end
        ) as status,

        _file,
        _row
    from periods
    -- Contradicted and undated figures are left out, and so are the areas and services that the seeds exclude.
    where
        status in ('stated', 'unverified')
        and reporter <> ''
        and observed_service <> ''

),

-- A figure found on two pages is one observation: a page that was read goes before one that was not, then a confirmed figure.
ranked as (

    select
        *,
        row_number() over (
            partition by vintage, {{ cell_columns() }}
            order by
                case page_status when 'stated' then 1 else 2 end, case when status like '%, checked' then 1 else 2 end, _file, _row
        ) as position
    from renamed

)

select {{ observation_columns() | join(', ') }}
from ranked
where position = 1

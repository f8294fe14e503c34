with source as (

    -- Vintages of 0.1 also have rows of the interface that is closed since 2026.
    select * from {{ source('raw', 'nbs_accounts') }}
    where database like 'new.%'

),

indicators as (

    select
        *,
        coalesce(observed_indicator, why_not) as known
    from {{ ref('nbs_indicator') }}

),

regions as (

    select * from {{ ref('region') }}
    where region_type = 'province'

),

-- The codes of all cells are looked up, also of those that are left out below.
known as (

    select
        source.*,
        {{ mapped(
            'indicators.known', "coalesce(indicators.observed_indicator, '')",
            'indicator', "concat_ws('', source.database, ' ', source.indicator_name)", 'nbs_indicator'
        ) }} as observed_indicator,
        indicators.unit as observed_unit,
        indicators.currency,
        indicators.scale,
        case
            when source.region <> '000000'
                then {{ mapped('regions.region', 'regions.region', 'region', 'source.region', 'region') }}
        end as observed_region,
        case
            when {{ is_match('source.period', "'^[0-9]{4}YY$'") }} then 'A'
            else {{ unknown_code('nbs_accounts', 'period', 'source.period', 'Years are read so far') }}
        end as frequency
    from source
    left join indicators
        on
            source.database = indicators.database
            and source.indicator_name = indicators.indicator_name
    left join regions on source.region = regions.region

),

-- A unit other than the seed's would be another scale, so it fails. That of an unknown indicator is not known.
renamed as (

    select
        'nbs_accounts' as source,
        vintage,

        'CHN' as reporter,
        'WLD' as partner,
        observed_region as region,
        cast(null as {{ dbt.type_string() }}) as service,
        observed_indicator as indicator,
        cast(null as {{ dbt.type_string() }}) as flow,
        frequency,
        {{ year_start('substr(period, 1, 4)') }} as period_start,
        {{ year_end('substr(period, 1, 4)') }} as period_end,

        case
            when unit = '亿元' and observed_unit = 'million'
                then cast(cast(value as decimal(28, 10)) * cast(scale as decimal(3, 0)) as decimal(38, 18))
            when observed_unit is not null then
                {{ unknown_code(
                    'nbs_accounts', 'unit', "concat_ws('', indicator_name, ': ', coalesce(unit, '(none)'))",
                    'Give the indicator its unit in dbt_project/seeds/nbs_indicator.csv'
                ) }}
        end as value,
        currency,
        observed_unit as unit,
        'reported' as value_type,
        cast(null as {{ dbt.type_string() }}) as status,

        _file,
        _row
    from known
    -- The seed says which indicators are neither GDP nor value added; these are left out.
    where observed_indicator <> ''

)

select * from renamed

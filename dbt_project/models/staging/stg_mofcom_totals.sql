{#- One row of a year holds eight amounts; each becomes an observation, in the order of the publisher's fields. -#}
{% set amounts = [
    ('total_rmb', 'total', 'CNY'),
    ('exports_rmb', 'exports', 'CNY'),
    ('imports_rmb', 'imports', 'CNY'),
    ('balance_rmb', 'balance', 'CNY'),
    ('total_usd', 'total', 'USD'),
    ('exports_usd', 'exports', 'USD'),
    ('imports_usd', 'imports', 'USD'),
    ('balance_usd', 'balance', 'USD'),
] %}
{#- The texts of a missing amount; warehouse/sources/mofcom_totals.py has the same. -#}
{% set missing = "'', '-', '–', '—', '——', '/'" %}

with source as (

    select * from {{ source('raw', 'mofcom_totals') }}

),

amounts as (

    {% for column, flow, currency in amounts %}
        select
            vintage,
            year,
            '{{ flow }}' as flow,
            '{{ currency }}' as currency,
            {{ column }} as amount,
            _file,
            _row
        from source
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

renamed as (

    select
        'mofcom_totals' as source,
        vintage,

        'CHN' as reporter,
        'WLD' as partner,
        cast(null as {{ dbt.type_string() }}) as region,
        'S' as service,
        cast(null as {{ dbt.type_string() }}) as indicator,
        flow,
        {{ annual_period('year') }},

        -- MOFCOM groups digits by commas, and writes nothing, a dash or a slash for a missing value.
        cast(
            cast(
                case when amount not in ({{ missing }}) then replace(amount, ',', '') end as decimal(28, 10)
            ) * cast('100' as decimal(3, 0)) as decimal(38, 18)
        ) as value,
        currency,
        'million' as unit,
        'reported' as value_type,
        case when amount <> '' and amount in ({{ missing }}) then amount end as status,

        _file,
        _row
    from amounts

)

select * from renamed

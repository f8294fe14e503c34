{{ config(by_source=true) }}
with held as (

    select
        *,
        case
            when reporter like '%?%' then 'reporter'
            when partner like '%?%' then 'partner'
            when region like '%?%' then 'region'
            when service like '%?%' then 'service'
            when indicator like '%?%' then 'indicator'
        end as marked_column
    from {{ ref('int_observations_staged') }}
    where {{ is_held() }}

),

not_ended as (

    select
        *,
        {{ period_label('frequency', 'period_start', 'period_end') }} as period_label
    from {{ ref('int_observations_staged') }}
    where
        not {{ is_held() }}
        and not {{ is_ended('period_end', 'retrieved_on') }}

),

marks as (

    select
        *,
        split_part(
            case marked_column
                when 'reporter' then reporter
                when 'partner' then partner
                when 'region' then region
                when 'service' then service
                else indicator
            end, '?', 2
        ) as mark
    from held

),

held_rows as (

    select
        source,
        vintage,

        case split_part(mark, '|', 2)
            when 'implausible' then 'value'
            when 'currency' then 'currency'
            else marked_column
        end as column_name,
        split_part(mark, '|', 2) as code_kind,
        split_part(mark, '|', 3) as code,

        count(*) as observation_count,
        min(period_start) as first_period_start,
        max(period_end) as last_period_end,
        case split_part(mark, '|', 2)
            when 'implausible'
                then
                    concat_ws(
                        '',
                        split_part(mark, '|', 3), '. Correct the line, or confirm it with "checked: <reason>" in its note, ',
                        'and run: warehouse fetch ', source
                    )
            when 'currency'
                then
                    concat_ws(
                        '',
                        split_part(mark, '|', 3), ': correct the currency in the file and run: warehouse fetch ', source,
                        '; or add it to the currencies of the area in dbt_project/seeds/', split_part(mark, '|', 1), '.csv'
                    )
            else
                concat_ws(
                    '',
                    'Add ', split_part(mark, '|', 2), ' "', split_part(mark, '|', 3), '" to dbt_project/seeds/',
                    split_part(mark, '|', 1), '.csv with its source_url; the next build brings its rows in'
                )
        end as remedy,

        min_by(_file, _row) as _file,
        min(_row) as _row
    from marks
    group by source, vintage, marked_column, mark

    union all

    select
        source,
        vintage,

        'period_end' as column_name,
        'period not ended' as code_kind,
        period_label as code,

        count(*) as observation_count,
        min(period_start) as first_period_start,
        max(period_end) as last_period_end,
        concat_ws(
            '',
            'Period ', period_label, ' had not ended on ', min(retrieved_on), ', when its file was retrieved; a vintage ',
            'retrieved after its end brings the figures in'
        ) as remedy,

        min_by(_file, _row) as _file,
        min(_row) as _row
    from not_ended
    group by source, vintage, period_label

)

select *
from held_rows
order by source, vintage, column_name, code

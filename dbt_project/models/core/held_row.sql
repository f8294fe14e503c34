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

)

select
    source,
    vintage,

    case split_part(mark, '|', 2)
        when 'implausible' then 'value'
        when 'unfinished period' then 'period_end'
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
                concat(
                    split_part(mark, '|', 3), '. Correct the line, or confirm it with "checked: <reason>" in its note, and run: warehouse fetch ',
                    source
                )
        when 'currency'
            then
                concat(
                    split_part(mark, '|', 3), ': correct the currency in the file and run: warehouse fetch ', source,
                    '; or add it to the currencies of the area in dbt_project/seeds/', split_part(mark, '|', 1), '.csv'
                )
        when 'unfinished period'
            then
                concat(
                    split_part(mark, '|', 3), ' had not ended when it was retrieved: correct the period, or fetch it again after its end'
                )
        else
            concat(
                'Add ', split_part(mark, '|', 2), ' "', split_part(mark, '|', 3), '" to dbt_project/seeds/',
                split_part(mark, '|', 1), '.csv with its source_url; the next build brings its rows in'
            )
    end as remedy,

    min_by(_file, _row) as _file,
    min(_row) as _row
from marks
group by source, vintage, marked_column, mark
order by source, vintage, column_name, code

with claims as (

    select * from {{ ref('claim') }}

),

candidates as (

    select * from {{ ref('int_claim_candidates') }}

),

yearly as (

    select * from {{ ref('int_claim_yearly') }}

),

judged as (

    select
        claims.claim_id,
        claims.value as printed,
        claims.unit,
        claims.comparator,
        claims.span_rule,
        candidates.source,
        candidates.vintage,
        candidates.currency,
        candidates.value_type,
        candidates.found_value,
        candidates.basis,
        cast(claims.value as double) as claimed_value,
        {{ claim_verdict('candidates.found_value', 'claims.value', 'claims.unit', 'claims.comparator') }} as verdict,
        row_number() over (
            partition by claims.claim_id, candidates.source, candidates.vintage
            order by
                case when candidates.is_printed then 1 else 2 end,
                case candidates.currency when claims.currency then 1 when 'USD' then 2 when 'CNY' then 3 else 4 end,
                case candidates.value_type when 'balanced' then 1 when 'final' then 2 when 'reported' then 3 else 4 end,
                candidates.currency,
                candidates.value_type,
                candidates.basis
        ) as place
    from claims
    inner join candidates on claims.claim_id = candidates.claim_id

),

-- what the same vintage also says, in another currency or value type
others as (

    select
        claim_id,
        source,
        vintage,
        string_agg(
            concat(round(found_value, 4), ' from ', basis, ' (', trim(concat(currency, ' ', value_type)), '), ', verdict), '; '
            order by place
        ) as told
    from judged
    where place > 1
    group by claim_id, source, vintage

),

-- for a claim that nothing can speak to: how near the sources come
years_held as (

    select distinct
        claim_id,
        source,
        period_year
    from yearly

),

sources_held as (

    select
        claim_id,
        source,
        string_agg(cast(period_year as {{ dbt.type_string() }}), ', ' order by period_year) as years
    from years_held
    group by claim_id, source

),

reaches as (

    select
        claim_id,
        string_agg(concat(source, ' ', years), '; ' order by source) as told
    from sources_held
    group by claim_id

),

told as (

    select
        judged.claim_id,
        judged.source,
        judged.vintage,
        judged.found_value,
        judged.verdict,
        concat(
            case
                when judged.comparator in ('falling', 'rising') and judged.verdict = 'reproduced'
                    then concat('Is ', judged.comparator, ', by the two ends of the span')
                when judged.comparator in ('falling', 'rising')
                    then concat('Is not ', judged.comparator, ', by the two ends of the span')
                when judged.comparator = '>' and judged.verdict = 'reproduced' then concat('Is above the ', judged.printed, ' in print')
                when judged.comparator = '>' then concat('Is not above the ', judged.printed, ' in print')
                when judged.verdict = 'reproduced' then concat('Rounds to the ', judged.printed, ' in print')
                else concat('Does not round to the ', judged.printed, ' in print')
            end,
            case when judged.span_rule = 'every_year' then ' in the lowest year of the span' end,
            case
                when judged.verdict = 'reproduced' or judged.comparator in ('falling', 'rising') then ''
                else concat(
                    case judged.verdict when 'near' then ', but lies within ' when 'differs' then ', and lies further off than ' end,
                    case when judged.unit in ('percent', 'percentage point') then '1 point' when judged.unit <> '' then '5 %' end
                )
            end,
            ': ', judged.basis,
            case when judged.currency <> '' then concat(', ', judged.currency) end,
            ', ', judged.value_type, '.',
            case when others.told is not null then concat(' The vintage also gives ', others.told, '.') end
        ) as reason
    from judged
    left join others
        on
            judged.claim_id = others.claim_id
            and judged.source = others.source
            and judged.vintage = others.vintage
    where judged.place = 1

)

select
    claims.claim_id,
    claims.period as period_label,
    claims.area,
    claims.measure,
    cast(claims.value as double) as claimed_value,
    claims.unit,
    told.found_value,
    told.source,
    told.vintage,
    told.found_value - cast(claims.value as double) as difference,
    {{ ratio_pct('(told.found_value - cast(claims.value as double))', 'cast(claims.value as double)') }} as difference_pct,
    coalesce(told.verdict, 'untestable') as verdict,
    coalesce(
        told.reason,
        concat(
            'Missing: ', claims.needs, '.',
            case when reaches.told is not null then concat(' At hand: ', reaches.told, '.') end
        )
    ) as reason
from claims
left join told on claims.claim_id = told.claim_id
left join reaches on claims.claim_id = reaches.claim_id

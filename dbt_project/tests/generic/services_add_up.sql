{#-
    Warns where the twelve services SA to SL of a source do not add up to S: a printed figure may be wrong, and the release gate
    decides on that. The tolerance is for the text of
    binary doubles in a publisher's workbook: the largest residue of SAFE's is 0.0000000078 million on
    2.7 million million, so a millionth of a million is far above noise and far below any figure.
-#}
{% test services_add_up(model, source_name, tolerance_million) %}

with sums as (

    select
        source,
        vintage,
        reporter,
        flow,
        frequency,
        period_label,
        currency,
        value_type,

        sum(case when service = 'S' then value_million end) as total_million,
        sum(case when service between 'SA' and 'SL' then value_million end) as parts_million,
        count(case when service between 'SA' and 'SL' then value_million end) as part_count
    from {{ model }}
    where
        source = '{{ source_name }}'
        and (service = 'S' or (service between 'SA' and 'SL' and length(service) = 2))
    group by source, vintage, reporter, flow, frequency, period_label, currency, value_type

)

select
    sums.*,
    sums.parts_million - sums.total_million as residual_million
from sums
where
    sums.total_million is null
    or sums.parts_million is null
    or abs(sums.parts_million - sums.total_million) > {{ tolerance_million }}

{% endtest %}

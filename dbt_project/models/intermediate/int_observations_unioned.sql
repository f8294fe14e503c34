with observations as (

    select * from {{ ref('int_observations_staged') }}

)

select
    {% for column in observation_columns() -%}
        {{ column }}{{ ',' if not loop.last }}
    {% endfor %}
from observations
where
    not {{ is_held() }}
    and {{ is_ended('period_end', 'retrieved_on') }}

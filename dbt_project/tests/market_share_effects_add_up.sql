-- Fails where the effects of a span do not add up to the change of the exports, or where a row has effects and a reason why it has none.
select
    source,
    reporter,
    form,
    first_year,
    last_year,
    change_million,
    world_effect_million,
    item_effect_million,
    market_effect_million,
    competitiveness_effect_million,
    reason
from {{ ref('mart_market_share_change') }}
where
    (reason is null) <> (competitiveness_effect_million is not null)
    or (reason is null and form <> 'items') <> (market_effect_million is not null)
    or abs(
        world_effect_million + item_effect_million + coalesce(market_effect_million, 0) + competitiveness_effect_million
        - change_million
    )
    > 1e-9 * (
        abs(world_effect_million) + abs(item_effect_million) + coalesce(abs(market_effect_million), 0)
        + abs(competitiveness_effect_million) + abs(first_value_million)
    )

-- Fails on a source with figures of goods but no line in seeds.trade_concept: customs and balance of payments would be compared unmarked.
select distinct goods.source
from {{ ref('fct_goods_trade') }} as goods
left join {{ ref('trade_concept') }} as concepts
    on
        goods.source = concepts.source
        and concepts.service = 'G'
where concepts.concept is null

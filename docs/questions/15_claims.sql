-- Which figures of the article can be reproduced?
select
    best_verdict,
    count(distinct claim_id) as claims
from marts.mart_claim
group by best_verdict
order by claims desc, best_verdict asc

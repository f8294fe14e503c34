{{ config(materialized='table') }}

with terms as (

    select * from {{ ref('int_claim_terms') }}

),

amounts as (

    select * from {{ ref('int_claim_amounts') }}

),

sources as (

    select * from {{ ref('dim_source') }}

),

newest as (

    select
        source,
        max(vintage) as vintage
    from amounts
    group by source

),

-- the source from which a series takes a term: itself, the source of its services total, or its goods source
series as (

    select distinct
        amounts.source,
        amounts.vintage,
        amounts.value_type,
        amounts.currency,
        terms.lookup
    from amounts
    cross join terms

),

suppliers as (

    select
        series.*,
        sources.is_world_stated,
        case series.lookup
            when 'own' then series.source
            when 'companion' then sources.services_source
            when 'goods' then sources.goods_source
        end as supplier
    from series
    inner join sources on series.source = sources.source

),

found as (

    select
        terms.claim_id,
        terms.measure_code,
        terms.is_printed,
        terms.role,
        terms.lookup,
        terms.sign,
        terms.terms_expected,
        suppliers.source,
        suppliers.vintage,
        suppliers.value_type,
        coalesce(terms.growth_currency, suppliers.currency) as currency,
        amounts.period_year,
        amounts.amount_key
    from terms
    inner join suppliers on terms.lookup = suppliers.lookup and coalesce(terms.currency, suppliers.currency) = suppliers.currency
    inner join newest on suppliers.supplier = newest.source
    inner join amounts
        on
            suppliers.supplier = amounts.source
            and suppliers.currency = amounts.currency
            and amounts.vintage = case when suppliers.supplier = suppliers.source then suppliers.vintage else newest.vintage end
            and (suppliers.supplier <> suppliers.source or suppliers.value_type = amounts.value_type)
            and terms.reporter = amounts.reporter
            and terms.partner = amounts.partner
            and terms.region = amounts.region
            and terms.item = amounts.item
            and terms.flow = amounts.flow
            and coalesce(terms.growth_year, amounts.period_year) = amounts.period_year
    -- a denominator of the world is the publisher's own row
    where terms.role = 'numerator' or terms.reporter <> 'WLD' or suppliers.is_world_stated

),

counted as (

    select
        *,
        count(*) over (
            partition by claim_id, is_printed, source, vintage, value_type, currency, period_year
        ) as terms_found
    from found

)

select * from counted
where terms_found = terms_expected

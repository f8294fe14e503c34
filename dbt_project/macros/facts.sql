{#-
    The core facts that hold figures. The models, and the as-of values in as_of.sql, are made from these lines.

    facts()                    by table: `function`, the name of its as-of values; `keys`, its natural key; `amount`, the
                               name of its value; and `condition`, the observations, or the revisions, that it has
    fact_columns(table_name)   the columns of a fact, from an observation, in the order of the contract of the model. The
                               double is for programs that have no decimals of 38 digits, and for arithmetic: the square of
                               a decimal overflows
    fact_keys(table_name)      the columns of its natural key
    is_mode_of_supply(relation)  whether an observation, or a revision, is of one mode of supply: its indicator is `mode_1` to
                               `mode_4`. A mode is no figure of services trade: mode 3 is no part of the balance of payments
    not_compiled()             the status of a cell whose item the publisher did not compile, by the seed not_compiled: its value
                               is null, and it is the only kind of empty cell that a fact has
-#}
{% macro not_compiled() -%}
not compiled
{%- endmacro %}

{% macro is_mode_of_supply(relation=none) -%}
    substr(coalesce({{ relation ~ '.' if relation }}indicator, ''), 1, 5) = 'mode_'
{%- endmacro %}

{% macro facts() %}
    {%- set no_mode = ' and not ' ~ is_mode_of_supply() -%}
    {{ return({
        'fct_services_trade': {
            'function': 'services_trade_as_of',
            'keys': ['source', 'reporter', 'partner', 'service', 'indicator', 'flow', 'frequency', 'period_start', 'period_end', 'currency', 'value_type'],
            'amount': 'value_million',
            'condition': "partner = 'WLD' and region is null and service not in ('G', 'GS')" ~ no_mode,
        },
        'fct_bilateral_services_trade': {
            'function': 'bilateral_services_trade_as_of',
            'keys': ['source', 'reporter', 'partner', 'service', 'flow', 'frequency', 'period_start', 'period_end', 'currency', 'value_type'],
            'amount': 'value_million',
            'condition': "partner <> 'WLD' and region is null and service not in ('G', 'GS')" ~ no_mode,
        },
        'fct_regional_services_trade': {
            'function': 'regional_services_trade_as_of',
            'keys': ['source', 'reporter', 'region', 'service', 'flow', 'frequency', 'period_start', 'period_end', 'currency', 'value_type'],
            'amount': 'value_million',
            'condition': "partner = 'WLD' and region is not null and service is not null",
        },
        'fct_mode_of_supply': {
            'function': 'mode_of_supply_as_of',
            'keys': ['source', 'reporter', 'partner', 'service', 'indicator', 'flow', 'frequency', 'period_start', 'period_end', 'currency', 'value_type'],
            'amount': 'value_million',
            'condition': "region is null and service not in ('G', 'GS') and " ~ is_mode_of_supply(),
        },
        'fct_goods_trade': {
            'function': 'goods_trade_as_of',
            'keys': ['source', 'reporter', 'partner', 'indicator', 'flow', 'frequency', 'period_start', 'period_end', 'currency', 'value_type'],
            'amount': 'value_million',
            'condition': "partner = 'WLD' and region is null and service = 'G'",
        },
        'fct_indicator': {
            'function': 'indicator_as_of',
            'keys': ['source', 'reporter', 'partner', 'region', 'indicator', 'frequency', 'period_start', 'period_end', 'currency', 'unit'],
            'amount': 'value',
            'condition': "service is null",
        },
    }) }}
{% endmacro %}

{% macro fact_columns(table_name) -%}
    {%- set amount = facts()[table_name]['amount'] -%}
    {%- for key in facts()[table_name]['keys'] -%}
        {{ key }},
        {%- if key == 'source' %} vintage,{% endif -%}
        {%- if key == 'period_end' %} {{ period_label('frequency', 'period_start', 'period_end') }} as period_label,{% endif %}
    {% endfor -%}
    status,
    value as {{ amount }},
    {{ to_double('value') }} as {{ amount }}_double,
    _file,
    _row
{%- endmacro %}

{% macro fact_keys(table_name) -%}
    {{ facts()[table_name]['keys'] | join(', ') }}
{%- endmacro %}

{#- The indicator of a share or growth rate as printed, as stg_curated names it: share_pct.S.total, growth_pct.S.exports.CNY. -#}
{% macro printed_indicator(measure, service, flow, currency=none) -%}
    concat_ws('', '{{ measure }}_pct.', {{ service }}, '.', {{ flow }}{{ ", '.', " ~ currency if currency }})
{%- endmacro %}

{#- The join condition between an indicator and an amount of one source, reporter and period. -#}
{% macro is_printed_of(indicator_relation, amount_relation) -%}
    {{ indicator_relation }}.source = {{ amount_relation }}.source
        and {{ indicator_relation }}.vintage = {{ amount_relation }}.vintage
        and {{ indicator_relation }}.reporter = {{ amount_relation }}.reporter
        and {{ is_same_period(indicator_relation, amount_relation) }}
{%- endmacro %}

{#-
    The core facts that hold figures. The models, and the as-of values in as_of.sql, are made from these lines.

    facts()                    by table: `function`, the name of its as-of values; `keys`, its natural key; `amount`, the
                               name of its value; and `condition`, the observations, or the revisions, that it has
    fact_columns(table_name)   the columns of a fact, from an observation; the contract of the model gives their order
    fact_keys(table_name)      the columns of its natural key
-#}
{% macro facts() %}
    {{ return({
        'fct_services_trade': {
            'function': 'services_trade_as_of',
            'keys': ['source', 'reporter', 'partner', 'service', 'indicator', 'flow', 'frequency', 'period_start', 'period_end', 'currency', 'value_type'],
            'amount': 'value_million',
            'condition': "partner = 'WLD' and region is null and service not in ('G', 'GS') and flow in ('exports', 'imports')",
        },
        'fct_bilateral_services_trade': {
            'function': 'bilateral_services_trade_as_of',
            'keys': ['source', 'reporter', 'partner', 'service', 'flow', 'frequency', 'period_start', 'period_end', 'currency', 'value_type'],
            'amount': 'value_million',
            'condition': "partner <> 'WLD' and region is null and service not in ('G', 'GS')",
        },
        'fct_regional_services_trade': {
            'function': 'regional_services_trade_as_of',
            'keys': ['source', 'reporter', 'region', 'service', 'flow', 'frequency', 'period_start', 'period_end', 'currency', 'value_type'],
            'amount': 'value_million',
            'condition': "partner = 'WLD' and region is not null and service is not null",
        },
        'fct_goods_trade': {
            'function': 'goods_trade_as_of',
            'keys': ['source', 'reporter', 'partner', 'indicator', 'flow', 'frequency', 'period_start', 'period_end', 'currency', 'value_type'],
            'amount': 'value_million',
            'condition': "partner = 'WLD' and region is null and service = 'G' and flow in ('exports', 'imports')",
        },
        'fct_indicator': {
            'function': 'indicator_as_of',
            'keys': ['source', 'reporter', 'indicator', 'frequency', 'period_start', 'period_end', 'currency', 'unit'],
            'amount': 'value',
            'condition': "partner = 'WLD' and region is null and service is null",
        },
    }) }}
{% endmacro %}

{% macro fact_columns(table_name) -%}
    {{ fact_keys(table_name) }},
    {{ period_label('frequency', 'period_start', 'period_end') }} as period_label,
    value as {{ facts()[table_name]['amount'] }},
    status,
    vintage,
    _file,
    _row
{%- endmacro %}

{% macro fact_keys(table_name) -%}
    {{ facts()[table_name]['keys'] | join(', ') }}
{%- endmacro %}

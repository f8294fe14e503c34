{#- The differences, in order, between the columns of a relation in the database and the declared {name: type}. -#}
{% macro shape_problems(relation, declared) %}
    {% set problems = [] %}
    {% if execute %}
        {% set held = adapter.get_columns_in_relation(relation) %}
        {% set names = declared.keys() | list %}
        {% for index in range([held | length, names | length] | max) %}
            {% set wanted = names[index] ~ ' ' ~ declared[names[index]] if index < names | length else 'nothing' %}
            {% set found = held[index].name ~ ' ' ~ ('varchar' if held[index].is_string() or held[index].data_type == 'string' else held[index].data_type) if index < held | length else 'nothing' %}
            {% if wanted | lower != found | lower %}
                {% do problems.append('column ' ~ (index + 1) ~ ': declared ' ~ wanted ~ ', found ' ~ found) %}
            {% endif %}
        {% endfor %}
    {% endif %}
    {{ return(problems) }}
{% endmacro %}

{#- The columns of an observation, which every staging model has. -#}
{% macro observation_columns() %}
    {{ return({
        'source': 'varchar',
        'vintage': 'varchar',
        'reporter': 'varchar',
        'partner': 'varchar',
        'region': 'varchar',
        'service': 'varchar',
        'indicator': 'varchar',
        'flow': 'varchar',
        'frequency': 'varchar',
        'period_start': 'date',
        'period_end': 'date',
        'value': 'decimal(38,18)',
        'currency': 'varchar',
        'unit': 'varchar',
        'value_type': 'varchar',
        'status': 'varchar',
        '_file': 'varchar',
        '_row': 'bigint',
    }) }}
{% endmacro %}

{#- Differences between the columns that a relation has in the database and the declared {name: type}, in order. -#}
{% macro shape_problems(relation, declared) %}
    {% set problems = [] %}
    {% if execute %}
        {% set held = adapter.get_columns_in_relation(relation) %}
        {% set names = declared.keys() | list %}
        {% for place in range([held | length, names | length] | max) %}
            {% set wanted = names[place] ~ ' ' ~ declared[names[place]] if place < names | length else 'nothing' %}
            {% set found = held[place].name ~ ' ' ~ ('varchar' if held[place].is_string() else held[place].data_type) if place < held | length else 'nothing' %}
            {% if wanted | lower != found | lower %}
                {% do problems.append('column ' ~ (place + 1) ~ ': declared ' ~ wanted ~ ', found ' ~ found) %}
            {% endif %}
        {% endfor %}
    {% endif %}
    {{ return(problems) }}
{% endmacro %}

{#- The observation, which every staging model yields exactly. -#}
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

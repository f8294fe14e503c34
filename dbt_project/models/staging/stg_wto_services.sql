{{ wto_services(
    'wto_services', 'ITS_CS_AX6', 'ITS_CS_AM6', value_type_of_flag('source.value_flag_code', ['E']),
    "case when source.value_flag_code is not null then concat_ws(': ', source.value_flag_code, source.value_flag) end"
) }}

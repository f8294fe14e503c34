{{ unctad_observations('unctad_services_quarterly', is_quarterly=true) }}

{{ unctad_observations('unctad_services_by_partner', has_partner=true) }}

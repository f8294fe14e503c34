{{ unctad_observations('unctad_services_annualized', value_type='estimated') }}

{{ unctad_observations('unctad_services') }}

{{ unctad_observations('unctad_goods', service='G') }}

{{ unctad_observations('unctad_digital', service='DDS', share_of_whole='share_of_digital_pct') }}

{{ unctad_indicator('unctad_population', 'US.PopTotal', 'thousand') }}

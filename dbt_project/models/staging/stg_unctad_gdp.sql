{{ unctad_indicator('unctad_gdp', 'US.GDPTotal', 'million', currency='USD') }}

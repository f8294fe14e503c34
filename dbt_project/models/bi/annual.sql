{{ scale_of_frequency('A') }}

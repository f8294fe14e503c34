{{ scale_of_frequency('Q') }}

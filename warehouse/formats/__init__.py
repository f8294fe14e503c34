"""File formats: each module reads one format into rows of text.

A reader returns Arrow record batches or rows of text, with `_file` and `_row`, and raises SourceError with
file and row for a file that breaks the format. The modules know no publisher and use no network and no
database.
"""

"""How bytes become rows of text: one module per file format.

Keeps: what the format itself promises, and a `SourceError` with file, row and reason where it is broken.
Refuses: knowledge of any publisher, network, database.
"""

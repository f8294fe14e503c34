"""The Services Trade Warehouse: publishers' tables to validated, traceable releases."""

__version__ = "0.2.0"
# Of every process: others may read what it writes, and only its owner may write.
UMASK = 0o022

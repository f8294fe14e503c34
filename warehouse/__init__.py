"""The Services Trade Warehouse: publishers' tables to validated, traceable releases."""

__version__ = "0.2.0"

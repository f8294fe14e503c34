"""From the landing to a validated build: load, dbt, release gate.

A build is a directory `build/<id>/`: `loaded.duckdb` (schema `raw`), `warehouse.duckdb` (schemas `core` and
`marts`), `build.json` (what it was made from), `dbt/` (artifacts and logs), `validation.json` and
`data_docs/` (the verdict of the release gate).
"""

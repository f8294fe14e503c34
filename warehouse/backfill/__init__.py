"""Managed backfills: past vintages gathered and built beside the live warehouse, compared, then decided on.

A backfill is a directory `backfill/<id>/`: `backfill.json`, the request and its baseline; `home/`, a
warehouse of its own whose landing holds the accepted vintages by hard link and the backfilled ones, and whose
`build/` holds the proposed release; `report.json`, what it would change. `backfill/log.jsonl` has one line
per event; the last line of a backfill is its state.
"""

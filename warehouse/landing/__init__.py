"""The append-only store of vintages, and the only way into it.

Layout of `landing/`::

    <source>/.incoming/<pull>/          a load in progress: files/, rows.parquet
    <source>/<vintage>/files/           the bytes as sent
    <source>/<vintage>/rows.parquet     the bytes parsed to rows of text
    <source>/<vintage>/manifest.json    addresses, times, checksums, validation; written last, by rename
    <source>/checks.jsonl               one line per poll

A directory without a manifest is not a vintage; the next load removes it. Accepted vintages are never changed
or removed. A load that fails validation goes to `rejected/<source>/<pull>/` (`quarantine.py`).
"""

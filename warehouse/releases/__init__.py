"""Releases: publishing, history, comparison, retention, audit, tracing and queries.

Layout of `published/`::

    <release>/warehouse.duckdb          the database, read-only
    <release>/parquet/<table>.parquet   each table, its rows in the order of all columns
    <release>/data_docs/, dbt_docs/     validation report and documentation
    <release>/MANIFEST.json             vintages, checksums, validation, news
    latest                              symbolic link to the current release
    history.jsonl                       one line per publish, rollback and removal

A release is prepared under a hidden name, renamed when it is complete, and never changed afterwards. Readers
see the old release or the new one, and an open database stays readable. Every switch of `latest` is appended
to the history before the link is replaced, so that a killed process leaves a record that a retry completes.
"""

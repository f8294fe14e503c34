"""Object storage: a bucket of S3 as the durable store of a warehouse, from which another machine can go on.

A night runs in a home, on local disks: DuckDB cannot write a database to a bucket, and locks and renames are
of a file system. `push` copies a home to the bucket, `pull` makes a home from it. Below the prefix::

    landing/<source>/<vintage>/…    as in the home; manifest.json is uploaded last
    staged/<source>/….parquet       as in the home
    published/<release>/…           as in the home; MANIFEST.json is uploaded last
    records/<sha256>                the content of a file that can change: logs, decisions, rejected loads
    states/<sha256>.json            a state: checksum, size and time of every file of a home at one moment
    published/latest                the current release, and the state that it is part of

All objects but `published/latest` are written once, by a put that fails if the object exists, and are never
changed. `published/latest` is switched last, by a put on the condition that it is what the push began with.
A reader of it, and a pull, therefore see a whole release, whatever push is going on or was killed.

`store` is the only module that speaks to the bucket; `latest` and `lineage` have the records;
`behind` needs no network.
"""

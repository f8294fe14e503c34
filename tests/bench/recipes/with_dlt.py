"""The partner mart with dlt into DuckDB, and dbt-duckdb.

python -m bench.recipes.with_dlt EDITION.csv ECONOMIES.csv DIRECTORY

The mart is `marts.partner_mart` of DIRECTORY/peer.duckdb.
"""

import os
import sys
from pathlib import Path

import dlt
import duckdb
from bench.recipes.run_dbt import build
from dlt.sources.filesystem import filesystem, read_csv_duckdb

CHUNK_ROWS = 100_000


def table(name: str, file: str) -> dlt.sources.DltResource:
    """Return the resource that reads a CSV file as Arrow tables."""
    path = Path(file)
    found = filesystem(bucket_url=path.parent.as_uri(), file_glob=path.name)
    reader = read_csv_duckdb(chunk_size=CHUNK_ROWS, use_pyarrow=True, header=True)
    return (found | reader).with_name(name).apply_hints(write_disposition="replace")


def main(edition: str, economies: str, directory: str) -> None:
    work = Path(directory)
    database = work / "peer.duckdb"
    with duckdb.connect(str(database), config={"memory_limit": os.environ["PEER_DUCKDB_MEMORY"]}) as db:
        pipeline = dlt.pipeline(
            "peer",
            pipelines_dir=str(work / "pipelines"),
            destination=dlt.destinations.duckdb(db),
            dataset_name="raw",
        )
        pipeline.run([table("batis", edition), table("economy", economies)]).raise_on_failed_jobs()
    build("duckdb", work, {**os.environ, "PEER_DATABASE": str(database)})


if __name__ == "__main__":
    main(*sys.argv[1:])

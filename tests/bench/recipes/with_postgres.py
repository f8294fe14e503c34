"""The partner mart with PostgreSQL: copy, and dbt-postgres.

    python -m bench.recipes.with_postgres EDITION.csv ECONOMIES.csv DIRECTORY CLUSTER

CLUSTER is the JSON text of a `bench.cluster.Cluster`. The server runs as a child of this process, so that
what it uses is counted. The mart is `marts.partner_mart`.
"""

import json
import os
import signal
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from bench.cluster import Cluster, connect, running
from bench.recipes.run_dbt import build

TABLES = """
create schema raw;
create table raw.batis (
    reporter text, type_reporter text, partner text, type_partner text, flow text, item_code text,
    type_item text, year integer, reported_value double precision, final_value double precision,
    methodology text, balanced_value double precision
);
create table raw.economy (code text, economy text, is_economy boolean)"""


def load(cursor: Any, table: str, file: str) -> None:
    with Path(file).open("rb") as stream:
        cursor.copy_expert(f"copy {table} from stdin (format csv, header)", stream)


def main(edition: str, economies: str, directory: str, cluster_json: str) -> None:
    cluster = Cluster(**json.loads(cluster_json))
    with running(cluster):
        with closing(connect(cluster)) as server, server.cursor() as cursor:
            cursor.execute(TABLES)
            load(cursor, "raw.batis", edition)
            load(cursor, "raw.economy", economies)
            cursor.execute("analyze raw.batis, raw.economy")
        variables = {"PEER_PORT": str(cluster.port), "PEER_PASSWORD": cluster.password}
        build("postgres", Path(directory), {**os.environ, **variables})


if __name__ == "__main__":
    # At the time limit the server is ended too: its context is left by the exception.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    main(*sys.argv[1:])

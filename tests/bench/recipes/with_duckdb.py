"""The partner mart with a DuckDB script; the other recipes are compared with it.

python -m bench.recipes.with_duckdb EDITION.csv ECONOMIES.csv MART.parquet

The query is the model that the recipes with dbt build.
"""

import os
import sys
from pathlib import Path

import duckdb

MODEL = Path(__file__).parent / "dbt" / "models" / "partner_mart.sql"
RAW = """
create schema raw;
create table raw.batis as
select Reporter, Partner, Flow, Item_code, Year, Balanced_value
from read_csv('{edition}', header = true, types = {{'Balanced_value': 'double'}});
create table raw.economy as select * from read_csv('{economies}', header = true);
"""


def main(edition: str, economies: str, mart: str) -> None:
    query = MODEL.read_text(encoding="utf-8")
    for table in ("batis", "economy"):
        query = query.replace(f"{{{{ source('raw', '{table}') }}}}", f"raw.{table}")
    spill = str(Path(mart).parent / "spill")
    with duckdb.connect(
        config={"memory_limit": os.environ["PEER_DUCKDB_MEMORY"], "temp_directory": spill}
    ) as db:
        db.execute(RAW.format(edition=edition, economies=economies))
        db.execute(f"copy ({query}) to '{mart}' (format parquet, compression zstd)")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The partner mart with Polars: a lazy scan of the CSV, joins, and a sink to Parquet.

python -m bench.recipes.with_polars EDITION.csv ECONOMIES.csv MART.parquet
"""

import sys

import polars as pl

TYPES = {"Year": pl.Int32, "Balanced_value": pl.Float64}
CELL = ["reporter", "flow", "item", "year"]


def main(edition: str, economies: str, mart: str) -> None:
    economy = pl.scan_csv(economies)
    rows = (
        pl.scan_csv(edition, schema_overrides=TYPES)
        .filter(pl.col("Balanced_value").is_not_null())
        .join(economy.select(Reporter="code", reporter="economy"), on="Reporter")
        .join(economy.select("is_economy", Partner="code", partner="economy"), on="Partner")
        .select(
            *("reporter", "partner", "is_economy"),
            flow="Flow",
            item="Item_code",
            year="Year",
            value="Balanced_value",
        )
    )
    worlds = rows.filter(pl.col("partner") == "WLD").select(*CELL, world="value")
    trade = rows.filter(pl.col("partner") != "WLD")
    key = [*CELL, "partner"]
    before = trade.select(*key, previous="value").with_columns(pl.col("year") + 1)
    value, world, previous = pl.col("value"), pl.col("world"), pl.col("previous")
    rank = value.rank("min", descending=True).over([*CELL, "is_economy"])
    (
        trade.with_columns(partner_rank=pl.when("is_economy").then(rank))
        .join(worlds, on=CELL, how="left")
        .join(before, on=key, how="left")
        .select(
            *(*key, "value"),
            share_pct=pl.when(world != 0).then(value / world * 100),
            growth_pct=pl.when(previous > 0).then((value - previous) / previous * 100),
            partner_rank="partner_rank",
        )
        .sink_parquet(mart, compression="zstd")
    )


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The partner mart with pandas: read_csv, merge, groupby, to_parquet.

python -m bench.recipes.with_pandas EDITION.csv ECONOMIES.csv MART.parquet
"""

import sys

import pandas as pd

TYPES = {
    **{name: "str" for name in ("Reporter", "Partner", "Flow", "Item_code")},
    **{"Year": "int32", "Balanced_value": "float64"},
}
NAMES = {"Flow": "flow", "Item_code": "item", "Year": "year", "Balanced_value": "value"}
CELL = ["reporter", "flow", "item", "year"]


def main(edition: str, economies: str, mart: str) -> None:
    economy = pd.read_csv(economies)
    rows = pd.read_csv(edition, usecols=list(TYPES), dtype=TYPES).dropna(subset="Balanced_value")
    reporters = economy[["code", "economy"]].rename(columns={"code": "Reporter", "economy": "reporter"})
    partners = economy.rename(columns={"code": "Partner", "economy": "partner"})
    rows = rows.rename(columns=NAMES).merge(reporters, on="Reporter").merge(partners, on="Partner")
    rows = rows.drop(columns=["Reporter", "Partner"])

    is_world = rows["partner"] == "WLD"
    worlds = rows.loc[is_world, [*CELL, "value"]].rename(columns={"value": "world"})
    trade = rows[~is_world]
    before = trade[[*CELL, "partner", "value"]].rename(columns={"value": "previous"})
    before["year"] += 1
    trade = trade.merge(worlds, on=CELL, how="left").merge(before, on=[*CELL, "partner"], how="left")
    trade["share_pct"] = trade["value"] / trade["world"].where(trade["world"] != 0) * 100
    previous = trade["previous"].where(trade["previous"] > 0)
    trade["growth_pct"] = (trade["value"] - previous) / previous * 100
    ranked = trade[trade["is_economy"]]
    trade["partner_rank"] = ranked.groupby(CELL)["value"].rank(method="min", ascending=False).astype("Int32")
    columns = [*CELL, "partner", "value", "share_pct", "growth_pct", "partner_rank"]
    trade[columns].to_parquet(mart, compression="zstd", index=False)


if __name__ == "__main__":
    main(*sys.argv[1:])

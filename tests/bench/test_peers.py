"""`make bench-peers`: the tools that need no environment of their own, the comparison, and the limits.

tests/stack/test_bench.py runs the others.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from bench import peers
from bench.measure import Usage, measure
from bench.peers import GIBIBYTE, Limits, Race, Result, compare, reason_of
from bench.run import Bench
from rich.console import Console

from warehouse.config import PROJECT_ROOT

ROWS = """
select 'CHN' as reporter, 'EXP' as flow, 'S' as item, 2020 + n as year, 'DEU' as partner,
    {value} as value, 10.0 as share_pct, case when n > 0 then 4.0 end as growth_pct, {rank} as partner_rank
from range({first}, 3) as numbers (n)
"""


def rows(value: str = "n + 0.5", rank: str = "1", first: int = 0) -> Result:
    return Result((), ROWS.format(value=value, rank=rank, first=first))


def test_equal_results_have_no_difference() -> None:
    assert compare(rows(), rows()) == 0
    assert 0 < compare(rows(), rows("(n + 0.5) * (1 + 1e-13)")) < 1e-12


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (rows(first=1), "of 3 rows 1 are in one result only"),
        (rows(first=3), "of 3 rows 3 are in one result only"),
        (rows(rank="n"), "0 are in one result only, 2 differ in nulls or ranks"),
        (rows(rank="null"), "3 differ in nulls or ranks"),
        (rows("(n + 0.5) * (1 + 1e-11)"), "difference of a figure is 1.0"),
        (rows("'nan'::double"), "of a figure is nan"),
    ],
)
def test_results_that_differ_are_an_error(found: Result, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        compare(rows(), found)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("block = bytearray(1 << 30)", "memory limit of 0.5 GiB"),
        ("import time; time.sleep(60)", "time limit of 1 s"),
    ],
)
def test_tool_over_a_limit_is_reported_with_the_limit(tmp_path: Path, script: str, reason: str) -> None:
    limits = Limits(GIBIBYTE // 2, 1)
    with pytest.raises(RuntimeError) as error:
        measure("step", limits.command(sys.executable, "-c", script), {}, tmp_path, tmp_path / "log")
    assert reason_of(error.value, limits) == reason


def test_tools_run_on_when_the_first_does_not_finish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run_tool(race: Race, tool: str) -> Result:
        race.out(tool).mkdir(exist_ok=True)
        if tool == "duckdb":
            raise RuntimeError("duckdb.OutOfMemoryException: Out of Memory Error")
        usage = Usage(tool, 2.0, 1.0, 1 << 20, 2 << 20, 0, 0)
        return Result((usage,), rows().query)

    monkeypatch.setattr(peers, "run_tool", run_tool)
    edition = tmp_path / "edition.csv"
    edition.touch()
    race = Race(Bench(tmp_path, ""), 3, edition, edition, Path(), Limits(GIBIBYTE, 10))
    outcomes = peers.run_size(race, ["duckdb", "pandas", "polars"], 2, Console(width=130))
    assert [one.unfinished for one in outcomes] == ["memory limit of 1 GiB", "", ""]
    assert [(one.runs, one.seconds, one.peak_bytes) for one in outcomes[1:]] == [(2, 2.0, 2 << 20)] * 2
    assert "DuckDB script did not finish: memory limit of 1 GiB." in capsys.readouterr().out


def test_tool_that_fails_for_another_reason_is_an_error(tmp_path: Path) -> None:
    limits = Limits(GIBIBYTE // 2, 10)
    command = limits.command(sys.executable, "-c", "import sys; sys.exit('no such column')")
    with pytest.raises(RuntimeError, match="no such column") as error:
        measure("step", command, {}, tmp_path, tmp_path / "log")
    with pytest.raises(RuntimeError, match="no such column"):
        reason_of(error.value, limits)


@pytest.mark.slow
def test_pandas_polars_and_duckdb_make_the_mart_of_the_floor(tmp_path: Path) -> None:
    file = tmp_path / "peers.json"
    command = [sys.executable, "-m", "bench.peers", "11160", "20000", "--json", file]
    made = subprocess.run(
        [*command, "--tools", "floor", "pandas", "polars"],
        cwd=PROJECT_ROOT,
        env={"PYTHONPATH": "tests", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    figures = json.loads(file.read_text())
    assert list(figures["sizes"]) == ["11160", "20000"]
    for outcomes in figures["sizes"].values():
        assert [one["tool"] for one in outcomes] == ["duckdb", "floor", "pandas", "polars"]
        assert all(one["seconds"] > 0 and one["peak_bytes"] > 0 for one in outcomes)
    assert set(figures["largest_size"].values()) == {20_000}
    assert "pandas" in made.stdout and "not finished" not in made.stdout


def test_model_gives_share_growth_and_rank(tmp_path: Path) -> None:
    """Figures by hand: of 10 in 2020 Germany has 4, of 20 in 2021 it has 8, which is 100 % more."""
    from bench.recipes import with_duckdb

    edition, economies, mart = (tmp_path / name for name in ("edition.csv", "economies.csv", "mart.parquet"))
    lines = ["Reporter,Partner,Flow,Item_code,Year,Balanced_value"]
    for year, values in {2020: "W10 D4 F6 X.", 2021: "W20 D8 F8 X4"}.items():
        for code, value in ((text[0], text[1:]) for text in values.split()):
            lines.append(f"D,{code},EXP,S,{year},{value.replace('.', '')}")
    edition.write_text("\n".join(lines) + "\n")
    economies.write_text("code,economy,is_economy\nW,WLD,false\nD,DEU,true\nF,FRA,true\nX,OTH,false\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PEER_DUCKDB_MEMORY", "1GiB")
        with_duckdb.main(str(edition), str(economies), str(mart))
    found = duckdb.sql(
        f"select * exclude (reporter, flow, item) from '{mart}' order by year, partner"
    ).fetchall()
    assert found == [
        (2020, "DEU", 4.0, 40.0, None, 2),
        (2020, "FRA", 6.0, 60.0, None, 1),
        (2021, "DEU", 8.0, 40.0, 100.0, 1),
        (2021, "FRA", 8.0, 40.0, pytest.approx(100 / 3), 1),
        (2021, "OTH", 4.0, 20.0, None, None),
    ]

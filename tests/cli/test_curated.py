"""The commands curated check and curated template."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from command_line import invoke

from warehouse.config import CURATED_DIR
from warehouse.sources._curated_rules import examine

FIXTURES = Path(__file__).parent.parent / "fixtures" / "curated"


def test_check_prints_every_problem_by_line_and_exits_with_1(tmp_path: Path) -> None:
    ended = invoke(tmp_path, "curated", "check", str(FIXTURES / "wrong.csv"), exit_code=1)
    assert "line 2, value '1,234'" in ended.stdout and "line 3, flow 'sales'" in ended.stdout
    count = len(ended.stdout.splitlines())
    assert ended.stderr == f"{count} problems\n" and count > 1
    good = invoke(tmp_path, "curated", "check", *map(str, sorted(CURATED_DIR.glob("*.csv"))))
    assert good.stdout.count("no problems") == 4
    missing = invoke(tmp_path, "curated", "check", str(tmp_path / "none.csv"), exit_code=1)
    assert "none.csv is not a file" in missing.stderr and "warehouse curated template > " in missing.stderr
    folder = invoke(tmp_path, "curated", "check", str(tmp_path), exit_code=1).stderr
    assert f"{tmp_path} is a directory" in folder and "check FILE" in folder and "template >" not in folder


def test_template_passes_the_check(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(invoke(tmp_path, "curated", "template").stdout, encoding="utf-8")
    rows, problems = examine(path)
    assert problems == [] and len(rows) == 1
    assert invoke(tmp_path, "curated", "check", str(path)).stdout == f"{path}: 1 figure, no problems\n"


def test_check_without_files_checks_the_folder_and_names_what_to_add_or_confirm(tmp_path: Path) -> None:
    header, figure = invoke(tmp_path, "curated", "template").stdout.splitlines()
    folder = tmp_path / "figures"
    folder.mkdir()
    for name, data in (
        ("a.csv", figure),
        ("b.csv", figure.replace("2021-", "2020-").replace("22364.4", "19000")),
    ):
        (folder / name).write_text(f"{header}\n{data}\n", encoding="utf-8")
    assert (
        invoke(tmp_path, "curated", "check", WAREHOUSE_CURATED=str(folder)).stdout.count("no problems") == 2
    )
    slip = figure.replace("2021-", "2022-").replace("100 million", "billion")
    (folder / "c.csv").write_text(
        f"{header}\n{slip}\n{figure.replace('China', 'Atlantis')}\n", encoding="utf-8"
    )
    # A file is found by its name in the folder, and its figures are compared with those of the other files.
    ended = invoke(tmp_path, "curated", "check", "c.csv", exit_code=1, WAREHOUSE_CURATED=str(folder))
    area, value = ended.stdout.splitlines()
    assert (
        "c.csv: line 3, area 'Atlantis'; expected an area of dbt_project/seeds/curated_area.csv: add" in area
    )
    assert "c.csv: line 2, value '22364.4' is implausible: it is 10.0 times 22364.4 100 million" in value
    assert ended.stderr == "2 problems\n"
    invoke(tmp_path, "curated", "check", "a.csv", "b.csv", WAREHOUSE_CURATED=str(folder))


def test_check_names_periods_that_have_not_ended(tmp_path: Path) -> None:
    header, figure = invoke(tmp_path, "curated", "template").stdout.splitlines()
    year = datetime.now(UTC).year
    periods = (f"{year - 1}", f"{year}", f"{year + 9}-Q1", f"{year - 1}-01/{year}-12", f"{year - 1}-12")
    lines = [
        figure.replace("2021-01/2021-11", one).replace("release", f"p{n}") for n, one in enumerate(periods)
    ]
    path = tmp_path / "mine.csv"
    path.write_text("\n".join([header, *lines, ""]), encoding="utf-8")
    ended = invoke(tmp_path, "curated", "check", str(path), exit_code=1)
    named = [line for line in ended.stdout.splitlines() if "a period that ended before" in line]
    assert [line.split("period '")[1].split("'")[0] for line in named] == list(periods[1:4])
    # A figure that is undated has the day of the statement, and is in no table.
    path.write_text("\n".join([header, lines[1].replace(",stated,", ",undated,"), ""]), encoding="utf-8")
    assert "no problems" in invoke(tmp_path, "curated", "check", str(path)).stdout

"""The commands curated check and curated template."""

from __future__ import annotations

from pathlib import Path

from command_line import invoke

from warehouse.config import CURATED_DIR
from warehouse.sources.curated import examine

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


def test_template_passes_the_check(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(invoke(tmp_path, "curated", "template").stdout, encoding="utf-8")
    rows, problems = examine(path)
    assert problems == [] and len(rows) == 1
    assert invoke(tmp_path, "curated", "check", str(path)).stdout == f"{path}: 1 figure, no problems\n"

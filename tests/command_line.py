"""Run the command line in this process, as `python -m warehouse` runs it, and capture what it prints."""

from __future__ import annotations

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from conftest import environment

from warehouse.cli import main


@dataclass(frozen=True)
class Ended:
    """What a command printed; it ended with the expected exit code."""

    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


def invoke(
    home: Path, *arguments: str, exit_code: int = 0, mirror: Path | str | None = None, **variables: str
) -> Ended:
    """Run a command on a home, and assert its exit code; exceptions are not caught."""
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    with (
        environment(WAREHOUSE_HOME=str(home), WAREHOUSE_MIRROR=str(mirror or ""), **variables),
        mock.patch.object(sys, "argv", ["warehouse", *arguments]),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as error:
            code = error.code or 0
    assert code == exit_code, f"warehouse {' '.join(arguments)}: {code}\n{out.getvalue()}{err.getvalue()}"
    return Ended(out.getvalue(), err.getvalue())

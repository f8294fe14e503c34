"""Arguments and options that several commands share."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

DAY_FORMAT = "%Y-%m-%d"

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts instead of a table.")]
AsCsv = Annotated[
    bool, typer.Option("--csv", help="Print CSV with a header instead of a table; it wins over --json.")
]
ExitCode = Annotated[
    bool,
    typer.Option(
        "--exit-code",
        help="Exit with 1 when anything is wrong (an alert, or no release yet), with 0 when all is fine; "
        "for cron and Nagios.",
    ),
]
AsOf = Annotated[
    datetime | None,
    typer.Option(
        "--as-of",
        metavar="YYYY-MM-DD",
        formats=[DAY_FORMAT],
        help="Build from the vintages that were known on this day, instead of all.",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Build even if nothing has changed.")]
Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, which is recorded.")]

"""The command line: `warehouse`, or `python -m warehouse`.

Each module holds one group of commands; `app.py` registers them, `render.py` prints. A command reads the
settings once, calls the packages below it with them, and prints a table or, with `--json`, JSON.

Exit codes: 0 done (also when there was nothing to do), 1 a failure reported on standard error, 2 wrong usage.

Modules that take long to import are imported inside the commands, so that `warehouse --help` stays fast.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; report a failure in one line on standard error and exit with 1."""
    from warehouse.cli.app import app
    from warehouse.cli.render import print_failure

    try:
        app(prog_name="warehouse")
    except SystemExit:  # of typer; kept apart so that a success does not import what the next line needs
        raise
    except _failures() as error:
        print_failure(str(error))
        sys.exit(1)


def _failures() -> tuple[type[Exception], ...]:
    """Return the exceptions that an operator can act on; called only when a command raises."""
    from warehouse.errors import WarehouseError

    return WarehouseError, OSError

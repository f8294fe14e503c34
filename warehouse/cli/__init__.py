"""The command line: `warehouse`, or `python -m warehouse`.

Each module holds one group of commands; `app.py` registers them, `render.py` prints. A command reads the
settings once, calls the packages below it with them, and prints a table or, with `--json`, JSON.

Exit codes: 0 done (also when there was nothing to do), 1 a failure reported on standard error, 2 wrong usage
(also an unknown name of a source, vintage, build, release or table), 130 stopped by Ctrl-C, 143 stopped by
SIGTERM. With `--exit-code`, `status` and `alerts` exit with 1 when anything is wrong, and with 0 when all is
fine.

Modules that take long to import are imported inside the commands, so that `warehouse --help` stays fast.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from types import FrameType

from warehouse import UMASK

STOPPED = 128 + signal.SIGTERM
INTERRUPTED = 128 + signal.SIGINT  # the code of typer for Ctrl-C
DISK_ERRORS = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT)
ON_DISK = "Check the permissions and the free disk space there, then run it again"


class _Stopped(BaseException):
    """SIGTERM was received. Raised in the command, so that it ends its child process and its locks."""


def main() -> None:
    """Run the command line; report a failure in one line on standard error and exit with its code."""
    os.umask(UMASK)  # readers are other users, whatever the umask of the operator
    previous = signal.signal(signal.SIGTERM, _stop)
    try:
        _run()
    except _Stopped:
        _print_stopped("SIGTERM")
        sys.exit(STOPPED)
    finally:
        signal.signal(signal.SIGTERM, previous)


def _print_stopped(cause: str) -> None:
    sys.stderr.write(
        f"stopped by {cause}: the current release is unchanged unless `published` was printed; run the "
        "command again\n"
    )


def _stop(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not interrupt the ending
    raise _Stopped


def _run() -> None:
    from warehouse.cli.app import app
    from warehouse.cli.render import print_failure

    try:
        app(prog_name="warehouse")
    except SystemExit as ended:  # of typer; kept apart so that a success does not import what is below
        if ended.code == INTERRUPTED:
            _print_stopped("Ctrl-C")
        raise
    except _failures() as error:
        from warehouse.errors import UnknownName

        remedy = f". {ON_DISK}" if isinstance(error, OSError) and error.errno in DISK_ERRORS else ""
        print_failure(f"{error}{remedy}")
        sys.exit(2 if isinstance(error, UnknownName) else 1)


def _failures() -> tuple[type[Exception], ...]:
    """Return the exceptions that an operator can act on; called only when a command raises."""
    from warehouse.errors import WarehouseError

    return WarehouseError, OSError

"""Run a function in processes that kill themselves with SIGKILL at their n-th durable operation.

A script sets `left`, the number of operations before the kill, then wraps each counted function:
`os.unlink = counted(os.unlink)`. `forks` runs a function of such a script many times: the interpreter starts
and imports once, and each run is a fork of it, since a fork takes milliseconds and a start a second.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from warehouse.config import PROJECT_ROOT

COUNTED = """
def counted(real):
    def wrapped(*a, **k):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*a, **k)
    return wrapped
"""
HEAD = """
import json, os, signal, sys, traceback
from pathlib import Path
left = 0
"""
LOOP = """
for line in sys.stdin:
    left, *arguments = json.loads(line)
    child = os.fork()
    if child == 0:
        os.dup2(2, 1)
        try:
            run(*arguments)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@contextmanager
def forks(script: str, **environ: str) -> Iterator[Callable[..., int]]:
    """Start a script that wraps functions by `counted` and defines `run`; yield a function that runs `run`.

    The yielded function takes the number of operations before the kill and the arguments of `run`, texts.
    It returns 0, or -9 after a kill; it raises AssertionError with the traceback when `run` has failed.
    """
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            [sys.executable, "-c", HEAD + COUNTED + script + LOOP],
            cwd=PROJECT_ROOT,
            env=os.environ | environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as parent,
    ):
        assert parent.stdin is not None and parent.stdout is not None
        stdin, stdout = parent.stdin, parent.stdout

        def run(point: int, *arguments: str) -> int:
            print(json.dumps([point, *arguments]), file=stdin, flush=True)
            answer = stdout.readline().strip()
            errors.seek(0)
            assert answer in ("0", "-9"), errors.read().decode()
            return int(answer)

        yield run

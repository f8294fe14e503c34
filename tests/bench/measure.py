"""Measure a command: wall and CPU seconds, peak memory of its processes, and peak size of a directory."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

INTERVAL_SECONDS = 0.2
DISK_INTERVAL_SECONDS = 1.0


@dataclass(frozen=True)
class Usage:
    """What a command used.

    `cpu_seconds` are of all its processes; `peak_rss_bytes` is of the largest one, `peak_tree_bytes` of all
    at one time, sampled each 0.2 s; `disk_bytes` is the size of the directory afterwards, and
    `peak_disk_bytes` the largest, sampled each second.
    """

    step: str
    seconds: float
    cpu_seconds: float
    peak_rss_bytes: int
    peak_tree_bytes: int
    disk_bytes: int
    peak_disk_bytes: int


@dataclass(frozen=True)
class Memory:
    """The resident memory of a process, and the most that it had since it began its program."""

    bytes: int
    peak_bytes: int


def measure(
    step: str, command: Sequence[str], env: Mapping[str, str], home: Path, log: Path
) -> tuple[Usage, str]:
    """Run a command to its end; return what it used, and its standard output.

    Its standard error is appended to `log`. Raises RuntimeError with the end of the log when the command
    fails.
    """
    out = log.with_suffix(".out")
    with log.open("ab") as errors, out.open("wb") as output:
        began = time.monotonic()
        process = subprocess.Popen(command, env=env, stdout=output, stderr=errors)
        peak = peak_tree = peak_disk = 0
        disk_due = began
        while True:
            ended, status, used = os.wait4(process.pid, os.WNOHANG)
            if ended:
                break
            sizes = memory_of(process.pid)
            peak = max(peak, *(size.peak_bytes for size in sizes), 0)
            peak_tree = max(peak_tree, sum(size.bytes for size in sizes))
            if time.monotonic() >= disk_due:
                peak_disk = max(peak_disk, directory_bytes(home))
                disk_due = time.monotonic() + DISK_INTERVAL_SECONDS
            time.sleep(INTERVAL_SECONDS)
        seconds = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        tail = log.read_text(encoding="utf-8", errors="replace")[-3000:]
        raise RuntimeError(f"{' '.join(command)} ended with exit code {process.returncode}: {tail}")
    disk = directory_bytes(home)
    usage = Usage(
        step=step,
        seconds=seconds,
        cpu_seconds=used.ru_utime + used.ru_stime,
        # Not ru_maxrss: a process begins with the maximum of the one that started it.
        peak_rss_bytes=peak,
        peak_tree_bytes=peak_tree,
        disk_bytes=disk,
        peak_disk_bytes=max(peak_disk, disk),
    )
    return usage, out.read_text(encoding="utf-8").strip()


def memory_of(pid: int) -> list[Memory]:
    """Return the memory of a process and of each of its descendants; none of those that have ended."""
    try:
        root = psutil.Process(pid)
        found = [root.pid, *(child.pid for child in root.children(recursive=True))]
    except psutil.NoSuchProcess:
        return []
    sizes = []
    for one in found:
        try:
            status = Path(f"/proc/{one}/status").read_text(encoding="utf-8")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended since the list was made
        lines = dict(line.split(":", 1) for line in status.splitlines())
        if "VmRSS" in lines:  # not of a process that has ended and waits to be reaped
            kibibytes = [int(lines[name].split()[0]) for name in ("VmRSS", "VmHWM")]
            sizes.append(Memory(*(1024 * size for size in kibibytes)))
    return sizes


def directory_bytes(directory: Path) -> int:
    """Return the allocated bytes of all files below a directory; a file with two links counts once."""
    sizes: dict[int, int] = {}
    for folder, _, names in os.walk(directory):
        for name in names:
            try:
                found = (Path(folder) / name).lstat()
            except FileNotFoundError:
                continue  # removed since it was listed
            sizes[found.st_ino] = found.st_blocks * 512
    return sum(sizes.values())

"""The command `metrics`: print or write the metrics of the warehouse."""

from __future__ import annotations

from typing import Annotated

import typer

from warehouse.cli.render import out, print_line


def metrics(
    write: Annotated[bool, typer.Option("--write", help="Write metrics.prom in the home instead.")] = False,
) -> None:
    """Print metrics for Prometheus: sources, the current release, steps of its build, disk, alerts."""
    from warehouse import metrics as metrics_file
    from warehouse.config import load_settings

    settings = load_settings()
    if write:
        print_line(f"written: {metrics_file.write(settings)}")
    else:
        out.file.write(metrics_file.format_metrics(settings))

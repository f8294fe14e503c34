"""Build the dbt project of the recipes."""

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parent / "dbt"


def build(target: str, work: Path, env: dict[str, str]) -> None:
    """Run `dbt build` in a process of its own, as people do; its log and manifest are written to `work`.

    Raises CalledProcessError when it fails.
    """
    paths = ["--project-dir", PROJECT, "--profiles-dir", PROJECT]
    written = ["--target-path", work / "target", "--log-path", work / "logs"]
    command = [Path(sys.executable).with_name("dbt"), "build", "--target", target, *paths, *written]
    subprocess.run(command, env=env, stdout=sys.stderr, check=True)

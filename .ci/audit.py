"""Ask for known vulnerabilities of the locked packages: `make audit`.

Keeps: exit code 0 only when every package that the lock installs here was asked about and nothing is known
of any; 1 when something is known, with package, version, the advisory's name and the version that mends it;
3 when no answer was had for one package or more. pip-audit itself ends with 0 when it could ask about none.

Refuses: to call silence a good answer. Another service than PyPI's is named to pip-audit by its own
variables, `PIP_AUDIT_VULNERABILITY_SERVICE` and `PIP_AUDIT_OSV_URL`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parent.parent / "requirements.lock"
NOTHING_KNOWN, KNOWN, NOT_ASKED = 0, 1, 3
SHOWN = 8


def verdict(report: Mapping[str, Any] | None, said: str) -> tuple[int, str]:
    """Judge pip-audit's JSON report, or what it said when there is none; return exit code and text."""
    if report is None:
        last = (said.strip().splitlines() or ["pip-audit said nothing"])[-1][:300]
        return NOT_ASKED, f"COULD NOT ASK: {last}\nNothing is known of any package, good or bad."
    packages = report["dependencies"]
    silent = [one for one in packages if one.get("skip_reason")]
    asked = [one for one in packages if not one.get("skip_reason")]
    lines = [
        f"{one['name']} {one['version']}: {found['id']}, mended in "
        f"{', '.join(found['fix_versions']) or 'no version'}"
        for one in asked
        for found in one["vulns"]
    ]
    code = KNOWN if lines else NOTHING_KNOWN
    if silent or not asked:
        code = code or NOT_ASKED
        names = ", ".join(str(one["name"]) for one in silent[:SHOWN])
        more = f" and {len(silent) - SHOWN} more" if len(silent) > SHOWN else ""
        lines.append(
            f"COULD NOT ASK about {len(silent)} of {len(packages)} packages ({names or 'none listed'}{more})"
        )
    lines.append(f"{len(asked)} packages were asked about")
    return code, "\n".join(lines)


def main() -> int:
    """Run pip-audit over the lock, and print the verdict."""
    asked = subprocess.run(
        [
            *(sys.executable, "-m", "pip_audit", "-r", str(LOCK), "--no-deps", "--disable-pip"),
            *("--require-hashes", "--format", "json", "--progress-spinner", "off"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        report = json.loads(asked.stdout)
    except ValueError:
        report = None
    code, told = verdict(report, asked.stderr)
    print(told)
    return code


if __name__ == "__main__":
    sys.exit(main())

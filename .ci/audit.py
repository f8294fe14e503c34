"""Check the locked packages for known vulnerabilities: `make audit`.

Exit codes: 0 when every installed package of the lock was checked and none has a known vulnerability; 1 when
one has, with package, version, advisory and fixed version; 3 when one package or more could not be checked
(pip-audit itself ends with 0 when it could check none). `PIP_AUDIT_VULNERABILITY_SERVICE` and
`PIP_AUDIT_OSV_URL` name another service than PyPI's to pip-audit.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parent.parent / "requirements.lock"
NONE_KNOWN, KNOWN, NOT_CHECKED = 0, 1, 3
SHOWN = 8


def verdict(report: Mapping[str, Any] | None, stderr: str) -> tuple[int, str]:
    """Return exit code and text for pip-audit's JSON report, or for its error output if there is none."""
    if report is None:
        last = (stderr.strip().splitlines() or ["pip-audit printed nothing"])[-1][:300]
        return NOT_CHECKED, f"NOT CHECKED: {last}\nNo package was checked."
    packages = report["dependencies"]
    skipped = [one for one in packages if one.get("skip_reason")]
    checked = [one for one in packages if not one.get("skip_reason")]
    lines = [
        f"{one['name']} {one['version']}: {found['id']}, fixed in "
        f"{', '.join(found['fix_versions']) or 'no version'}"
        for one in checked
        for found in one["vulns"]
    ]
    code = KNOWN if lines else NONE_KNOWN
    if skipped or not checked:
        code = code or NOT_CHECKED
        names = ", ".join(str(one["name"]) for one in skipped[:SHOWN])
        more = f" and {len(skipped) - SHOWN} more" if len(skipped) > SHOWN else ""
        lines.append(
            f"NOT CHECKED: {len(skipped)} of {len(packages)} packages ({names or 'none listed'}{more})"
        )
    lines.append(f"{len(checked)} packages were checked")
    return code, "\n".join(lines)


def main() -> int:
    """Run pip-audit over the lock, and print the verdict."""
    result = subprocess.run(
        [
            *(sys.executable, "-m", "pip_audit", "-r", str(LOCK), "--no-deps", "--disable-pip"),
            *("--require-hashes", "--format", "json", "--progress-spinner", "off"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        report = json.loads(result.stdout)
    except ValueError:
        report = None
    code, text = verdict(report, result.stderr)
    print(text)
    return code


if __name__ == "__main__":
    sys.exit(main())

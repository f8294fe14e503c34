"""Read the parts of a file that cannot be read from the file of the last vintage instead.

The older file is linked beside the new one as `<name>.from-<vintage><suffix>`, so that every row still leads
to its bytes; `parse` reads from it the parts that the new file does not give.
"""

from __future__ import annotations

from pathlib import Path, PurePath

from warehouse.fetch import Pulled
from warehouse.landing.parse import CARRIED, Parsed
from warehouse.model import FailedPart, Vintage


def carry_unread(pull: Path, pulled: Pulled, parsed: Parsed, previous: Vintage | None) -> Pulled:
    """Link the files of `previous` that hold the unread parts into a pull; return it with its failed parts.

    A part for which there is no previous vintage has no rows.
    """
    files, failed = list(pulled.files), list(pulled.failed_parts)
    for file, part, reason in parsed.unread:
        carried_from = None
        if previous is not None:
            failed_before = next((one for one in previous.failed_parts if one.part == part), None)
            carried_from = failed_before.carried_from if failed_before else previous.id
        if previous is not None and carried_from is not None:
            path = PurePath(file)
            name = f"{path.stem}{CARRIED}{carried_from}{path.suffix}"
            held = name if carried_from != previous.id else file
            original = next((one for one in previous.files if one.name == held), None)
            carried_from = carried_from if original else None
            if original and all(one.name != name for one in files):
                target = pull / "files" / name
                target.unlink(missing_ok=True)  # of a try that was killed
                target.hardlink_to(previous.directory / "files" / held)
                files.append(original.model_copy(update={"name": name, "carried_from": carried_from}))
        failed.append(FailedPart(part=part, reason=reason, carried_from=carried_from))
    return Pulled(files=tuple(files), failed_parts=tuple(failed))

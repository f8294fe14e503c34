"""The disk space that a build needs, and what is free of it."""

from __future__ import annotations

import shutil

from pydantic import BaseModel, computed_field

from warehouse.config import Settings
from warehouse.errors import WarehouseError
from warehouse.files import size_of
from warehouse.releases.store import latest_name


class DiskSpace(BaseModel, frozen=True):
    """Free bytes where builds are written, the bytes that the next one needs, and the basis of this."""

    free_bytes: int
    needed_bytes: int
    basis: str

    @computed_field  # type: ignore[prop-decorator]  # mypy does not support decorated properties
    @property
    def is_enough(self) -> bool:
        """Tell whether a build may begin."""
        return self.free_bytes >= self.needed_bytes


def disk_space(settings: Settings) -> DiskSpace:
    """Estimate the space of a build from the current release, or else from the landed rows."""
    settings.build.mkdir(parents=True, exist_ok=True)
    free, factor = shutil.disk_usage(settings.build).free, settings.disk_factor
    latest = latest_name(settings.published)
    if latest is not None and (settings.published / latest).is_dir():
        size, basis = size_of(settings.published / latest), f"{factor:g} times release {latest}"
    else:
        size = sum(path.stat().st_size for path in settings.landing.glob("*/*/rows.parquet"))
        basis = f"{factor:g} times the landed rows"
    return DiskSpace(free_bytes=free, needed_bytes=int(size * factor), basis=basis)


def require_disk_space(settings: Settings) -> DiskSpace:
    """Return the disk space; raise WarehouseError when it is not enough for a build."""
    space = disk_space(settings)
    if not space.is_enough:
        raise WarehouseError(
            f"not enough disk space: {space.free_bytes:,} bytes are free and a build needs "
            f"{space.needed_bytes:,} ({space.basis}). Nothing was written. Free some space, or remove old "
            "releases, builds and rejected loads with: warehouse maintain (WAREHOUSE_KEEP_* set what it "
            "keeps, "
            "WAREHOUSE_DISK_FACTOR what a build needs)"
        )
    return space

"""The register of sources: every module of this package that does not start with an underscore.

Keeps: `SOURCES`, a mapping of name to `Source`, found by looking at the package and never by hand.
Refuses: a module without a `SOURCE`, or one whose `SOURCE` has another name than the module.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import MappingProxyType

from warehouse.model import Source


def discover() -> MappingProxyType[str, Source]:
    """Import every public module of the package and return its `SOURCE`, by name, in name order."""
    found: dict[str, Source] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda info: info.name):
        if module.name.startswith("_"):
            continue
        source: Source = importlib.import_module(f"{__name__}.{module.name}").SOURCE
        if source.name != module.name:
            raise ImportError(f"warehouse/sources/{module.name}.py declares a source named {source.name!r}")
        found[source.name] = source
    return MappingProxyType(found)


SOURCES = discover()

"""The registry of sources: `SOURCES` maps each source's name to its `Source`.

Every module of this package whose name does not start with an underscore is a source.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import MappingProxyType

from warehouse.model import Source


def discover() -> MappingProxyType[str, Source]:
    """Import every public module of the package and return its `SOURCE` by name, in the order of the names.

    Raises ImportError if a source's name differs from the name of its module.
    """
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

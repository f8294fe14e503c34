"""PyArrow as `pa`, `pc` (compute) and `pq` (Parquet), imported when one of their names is first used.

Every command imports the modules of the sources, which read tables by Arrow, and few commands read a table:
PyArrow and NumPy are a fifth of the time that `warehouse status` takes.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.csv as pacsv
    import pyarrow.parquet as pq
else:

    class _ImportedWhenUsed(ModuleType):
        """A module that is imported when one of its names is looked up."""

        def __getattr__(self, name: str) -> Any:
            value = getattr(import_module(self.__name__), name)
            setattr(self, name, value)
            return value

    pa, pacsv, pc, pq = (
        _ImportedWhenUsed(name) for name in ("pyarrow", "pyarrow.csv", "pyarrow.compute", "pyarrow.parquet")
    )

__all__ = ["pa", "pacsv", "pc", "pq"]

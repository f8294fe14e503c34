"""Tables of the IMF by SDMX 2.1: `api.imf.org` sends SDMX-CSV of version 1.0 for the `Accept` header alone.

The codes of a key are joined by `+` and its dimensions by `.`, in the order of the dataflow. The attributes
are requested not to be sent (`detail=dataonly`), since each row has a long description.
"""

from __future__ import annotations

from warehouse.model import Source
from warehouse.sources._sdmx import SdmxTable, source_of

ADDRESS = "https://api.imf.org/external/sdmx/2.1/data"
Key = tuple[tuple[str, tuple[str, ...]], ...]


def imf_source(name: str, flow: str, file: str, key: Key, *, title: str, evidenced: str) -> Source:
    """Return the source of a dataflow of IMF.STA; `key` lists each dimension with its codes, in order."""
    table = SdmxTable(
        source=name,
        flow=f"IMF.STA:{flow}",
        url=f"{ADDRESS}/IMF.STA,{flow}/{'.'.join('+'.join(codes) for _, codes in key)}",
        file=file,
        params=(("detail", "dataonly"),),
        headers=(("Accept", "application/vnd.sdmx.data+csv;version=1.0.0"),),
        dimensions={dimension: dimension.lower() for dimension, _ in key},
        attributes={"OBS_STATUS": "obs_status", "STATUS": "status"},
        ignored=("SCALE", "PRECISION", "SERIES_NAME", "FULL_DESCRIPTION", "UPDATE_DATE"),
        expected=tuple((dimension.lower(), codes) for dimension, codes in key),
    )
    return source_of(
        table,
        title=title,
        publisher="IMF",
        homepage=f"https://data.imf.org/en/datasets/IMF.STA:{flow}",
        licence="IMF terms of use (attribution)",
        evidenced=evidenced,
    )

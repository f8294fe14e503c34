"""The static site of a release: pages that open from disk, made from the release's own tables and records.

`build_site` writes a directory that asks the network for nothing:

    index.html, scale.html …    the pages in English; zh/ has the same pages in Chinese
    embed.html                  one figure alone, for other pages to frame
    assets/                     styles, scripts, and Vega (from the wheel of vl-convert-python)
    data/<figure>.js            rows and chart of a figure, as a script
    data/<figure>.csv, .metadata.json    the same rows for spreadsheets, and where they are from
    services_trade.xlsx         the tables of schema `bi`

What the pages show is declared in `content/`: figures with their queries, pages, texts. Equal releases give
equal pages.
"""

from __future__ import annotations

from warehouse.site.model import SiteInput
from warehouse.site.render import build_site, update_freshness

__all__ = ["SiteInput", "build_site", "update_freshness"]

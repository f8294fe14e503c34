"""Download one complete pull of a source: its requests become files, and `fetched.json` lists them.

Modules: `pull` runs the plan of a source; `http` sends requests and retries them; `body` writes response
bodies; `mirror` answers requests from a mirror or the folder of curated figures; `content` checks the kind of
an answer; `download` has the request and the errors that they share.
"""

from warehouse.fetch.http import LIMITS, Limits
from warehouse.fetch.mirror import PUBLISHER
from warehouse.fetch.pull import FETCHED, Progress, Pulled, fetch, read_fetched, read_pull

__all__ = [
    "FETCHED",
    "LIMITS",
    "PUBLISHER",
    "Limits",
    "Progress",
    "Pulled",
    "fetch",
    "read_fetched",
    "read_pull",
]

"""Debian's Chromium for the tests that look at pages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def chromium() -> Iterator[Any]:
    """Run Chromium; its make target (test-browser, test-superset) installs it and Playwright."""
    from playwright.sync_api import sync_playwright  # not in the group dev

    path = shutil.which("chromium")
    assert path, "Chromium is missing: make test-browser and make test-superset install it"
    with sync_playwright() as started:
        # The tests may run as root, where Chromium's sandbox does not start.
        launched = started.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield launched
        launched.close()

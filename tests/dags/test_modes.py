"""The files of a task are readable by all and writable by its owner, whatever the umask of the scheduler."""

from __future__ import annotations

import os

import pytest


@pytest.mark.parametrize("umask", [0o077, 0o000])
def test_task_settings_set_the_umask_of_the_process(umask: int) -> None:
    from defaults import task_settings

    before = os.umask(umask)
    try:
        task_settings()
    finally:
        found = os.umask(before)
    assert found == 0o022

"""Pushes that are killed or compete: `latest` of the bucket always names a whole release.

A push is killed before its n-th request to the bucket, for each n. A reader then gets the old release, or the
new one after the switch, with every checksum, and a repeated push completes. `make test-faults` runs this.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import settings_of
from killing import forks
from moto_server import content, keys, variables
from small_homes import OTHER, RELEASE, ROWS, SOURCE, make_home
from small_releases import make_release, make_vintage

from warehouse.config import PROJECT_ROOT, read_settings
from warehouse.errors import WarehouseError
from warehouse.files import sha256_of
from warehouse.objects.pull import pull
from warehouse.objects.push import push
from warehouse.releases.manifest import entry_of

pytestmark = pytest.mark.faults
pytest_plugins = ("buckets",)
NEW_RELEASE = "20240601T000000000000Z"
# Requests of one thread at a time, so that the n-th is the same in each run.
SCRIPT = """
import botocore.client
from warehouse.config import read_settings
from warehouse.objects import pull, push, store
botocore.client.BaseClient._make_api_call = counted(botocore.client.BaseClient._make_api_call)
push.PARALLEL = pull.PARALLEL = 1

def run(what, home, address):
    {"push": push.push, "pull": pull.pull}[what](read_settings(home=Path(home)), address)
"""


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with two releases; read only."""
    return make_home(tmp_path_factory.mktemp("old") / "home")


def with_news(home: Path) -> Path:
    """Land two vintages in a home, and publish a release with them."""
    landing = home / "landing"
    made = [make_vintage(landing, name, "2024-05-31", ROWS, content="c,d\n") for name in (SOURCE, OTHER)]
    make_release(home, NEW_RELEASE, vintages=[entry_of(one) for one in made])
    return home


def copy_of(home: Path, into: Path) -> Path:
    return Path(shutil.copytree(home, into, symlinks=True))


def released(home: Path, release: str) -> dict[str, str]:
    """Return the checksum of every file of a release in a home."""
    directory = home / "published" / release
    found = {
        f"published/{release}/{path.relative_to(directory).as_posix()}": sha256_of(path)
        for path in directory.rglob("*")
        if path.is_file()
    }
    assert len(found) > 3
    return found


def require_whole(s3: Any, bucket: str, home: Path) -> str:
    """Assert that the bucket has every file of the release that its `latest` names, and of its state."""
    latest = json.loads(content(s3, bucket, "published/latest"))
    expected = released(home, latest["release"])
    found = {name: hashlib.sha256(content(s3, bucket, name)).hexdigest() for name in expected}
    assert found == expected
    files = json.loads(content(s3, bucket, f"states/{latest['state']}.json"))["files"]
    names = set(keys(s3, bucket))
    assert all(path in names or f"records/{file['sha256']}" in names for path, file in files.items())
    return str(latest["release"])


def test_push_killed_at_any_request_leaves_a_whole_release_and_is_repeated(
    old: Path, bucket: str, endpoint: str, s3: Any, tmp_path: Path
) -> None:
    ends, named = [], []
    with forks(SCRIPT, **variables(endpoint)) as run:
        for point in range(200):
            address, base = f"{bucket}/{point}", tmp_path / str(point)
            home = copy_of(old, base / "home")
            push(settings_of(home), address)
            with_news(home)
            ends.append(run(point, "push", str(home), address))
            named.append(require_whole(s3, address, home))
            if point % 8 == 0:  # what another machine gets from a half pushed bucket
                other = base / "other"
                assert pull(settings_of(other), address).release == named[-1]
                assert released(other, named[-1]) == released(home, named[-1])
                assert (other / "landing" / SOURCE / "2024-05-31").exists() == (named[-1] == NEW_RELEASE)
            push(settings_of(home), address)
            assert require_whole(s3, address, home) == NEW_RELEASE
            shutil.rmtree(base)
            if ends[-1] == 0:
                break
    assert ends[-1] == 0 and ends.count(0) == 1 and len(ends) > 25
    # Killed before the switch, each of them; the last has ended.
    assert named == [RELEASE] * (len(named) - 1) + [NEW_RELEASE]


def test_pull_killed_at_any_request_says_so_and_is_repeated(
    old: Path, bucket: str, endpoint: str, tmp_path: Path
) -> None:
    origin = copy_of(old, tmp_path / "origin")
    push(settings_of(origin), bucket)
    ends = []
    with forks(SCRIPT, **variables(endpoint)) as run:
        for point in range(200):
            home = tmp_path / "home"
            ends.append(run(point, "pull", str(home), bucket))
            if ends[-1] == 0:
                break
            assert not (home / "published" / "latest").is_symlink()
            assert pull(read_settings(home=home), bucket).release == RELEASE
            assert released(home, RELEASE) == released(origin, RELEASE)
            shutil.rmtree(home)
    assert ends[-1] == 0 and ends.count(0) == 1 and len(ends) > 25


def test_of_eight_pushes_at_once_one_wins_and_its_release_is_whole(
    old: Path, bucket: str, endpoint: str, s3: Any, tmp_path: Path
) -> None:
    """Eight machines that have pulled the same state, each with a release of its own."""
    origin = copy_of(old, tmp_path / "origin")
    push(settings_of(origin), bucket)
    homes = [copy_of(origin, tmp_path / f"home-{number}") for number in range(8)]
    for number, home in enumerate(homes):
        make_release(home, f"2024060{number + 1}T000000000000Z")
    # Each reads `latest`, and waits until all have read it.
    script = (
        "import sys, time, pathlib\n"
        "from warehouse.config import read_settings\n"
        "from warehouse.errors import WarehouseError\n"
        "from warehouse.objects import push\n"
        "home, ready = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])\n"
        "real = push.require_lineage\n"
        "def wait(*arguments):\n"
        "    real(*arguments)\n"
        "    (ready / home.name).touch()\n"
        "    while len(list(ready.iterdir())) < 8:\n"
        "        time.sleep(0.05)\n"
        "push.require_lineage = wait\n"
        "try:\n"
        "    print(push.push(read_settings(home=home), sys.argv[3]).pointer.release)\n"
        "except WarehouseError as error:\n"
        "    sys.exit(str(error))\n"
    )
    ready = tmp_path / "ready"
    ready.mkdir()
    pushes = [
        subprocess.Popen(
            [sys.executable, "-c", script, home, ready, bucket],
            cwd=PROJECT_ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for home in homes
    ]
    ended = [(process.communicate(timeout=300), process.returncode) for process in pushes]
    winners = [number for number, (_, code) in enumerate(ended) if code == 0]
    assert len(winners) == 1, ended
    winner = f"2024060{winners[0] + 1}T000000000000Z"
    assert require_whole(s3, bucket, homes[winners[0]]) == winner
    for (_, problem), code in ended:
        assert code == 0 or f"release {winner}, pushed by" in problem
    loser = homes[(winners[0] + 1) % 8]
    with pytest.raises(WarehouseError, match=f"--over {winner}"):
        push(settings_of(loser), bucket)

"""A published release read by ODBC, JDBC and R, the ways of Excel, Power BI, Tableau and Metabase."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from conftest import Warehouse
from postgresql import PASSWORD, address_of, cluster, run

from warehouse.config import read_settings
from warehouse.publication.publish_to import publish_to
from warehouse.releases.store import DATABASE

pytestmark = pytest.mark.stack

CLIENTS = Path(__file__).resolve().parent / "clients"
JDBC = "/usr/share/java/postgresql.jar"
PERSON, DATABASE_NAME = "analyst", "figures"
QUERY = (
    "select reporter_name_zh, exports_usd_million from bi.annual "
    "where reporter = 'CHN' and period_label = '2021'"
)
RECORDS = {"release", "published_table"}  # what `publish-to` adds to schema bi


@dataclass(frozen=True)
class Door:
    """A PostgreSQL database with a release, and what SQL says of the release itself."""

    port: int
    tables: set[str]
    figure: tuple[str, float]
    comment: str


@pytest.fixture(scope="module")
def door(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """Publish the release of WAREHOUSE_HOME, by default the recorded sample's; create a person who reads."""
    home = os.environ.get("WAREHOUSE_HOME")
    if home:
        release = (Path(home) / "published" / "latest").resolve()
    else:
        warehouse: Warehouse = request.getfixturevalue("warehouse")
        release = warehouse.release
    # Publishing writes to the history of releases: of a copy, which has schema bi and the dimensions only.
    copy = tmp_path_factory.mktemp("clients")
    unread = shutil.ignore_patterns("site", "parquet", "data_docs")
    copied = Path(shutil.copytree(release, copy / "published" / release.name, ignore=unread))
    (copy / "published" / "latest").symlink_to(release.name)
    (copied / DATABASE).chmod(0o644)
    with duckdb.connect(str(copied / DATABASE)) as db:
        db.execute("drop schema marts cascade")
    with duckdb.connect(str(release / DATABASE), read_only=True) as db:
        names = db.execute("select table_name from duckdb_tables() where schema_name = 'bi'").fetchall()
        figure = db.execute(QUERY).fetchone()
        comment = db.execute(
            "select comment from duckdb_columns() where schema_name = 'bi' and table_name = 'annual' "
            "and column_name = 'exports_usd_million'"
        ).fetchone()
    assert figure and comment
    with cluster() as port:
        run(port, f"create database {DATABASE_NAME}")
        publish_to(read_settings(home=copy, operator="tests"), address_of(port, DATABASE_NAME))
        run(port, f"create role {PERSON} login password '{PASSWORD}' in role bi_reader", user="admin")
        yield Door(port, {name for (name,) in names} | RECORDS, figure, comment[0].strip())


def output_of(command: list[str], text: str | None = None, **variables: str) -> str:
    """Run a client; return what it prints."""
    done = subprocess.run(
        command,
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": "/nonexistent", **variables},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def lines_of(command: list[str], text: str | None = None, **variables: str) -> list[list[str]]:
    """Run a client; return its lines, each divided at its bars."""
    return [line.split("|") for line in output_of(command, text, **variables).splitlines()]


def installed(command: str) -> str:
    path = shutil.which(command)
    assert path, f"{command} is missing: make test-stack installs it"
    return path


def test_odbc_lists_the_tables_and_reads_a_figure(door: Door, tmp_path: Path) -> None:
    (tmp_path / "odbc.ini").write_text(
        "[figures]\nDriver = PostgreSQL Unicode\nServername = 127.0.0.1\n"
        f"Port = {door.port}\nDatabase = {DATABASE_NAME}\n"
    )
    command = [installed("isql"), "figures", PERSON, PASSWORD, "-b", "-d|"]
    ini = str(tmp_path / "odbc.ini")
    # `help` is SQLTables, from which BI tools make their lists
    listed = lines_of(command, "help\n", ODBCINI=ini)
    assert {line[2] for line in listed if line[1:2] == ["bi"] and line[3] == "TABLE"} == door.tables
    ((name, value),) = lines_of(command, f"{QUERY}\n", ODBCINI=ini)
    assert (name, float(value)) == (door.figure[0], pytest.approx(door.figure[1], rel=1e-14))
    assert "permission denied" in output_of([*command, "-v"], "delete from bi.annual\n", ODBCINI=ini)


def test_jdbc_lists_the_tables_with_descriptions_and_reads_a_figure(door: Door) -> None:
    assert Path(JDBC).exists(), f"{JDBC} is missing: make test-stack installs it"
    address = f"jdbc:postgresql://127.0.0.1:{door.port}/{DATABASE_NAME}"
    program = [installed("java"), "-cp", JDBC, str(CLIENTS / "Read.java")]
    found = lines_of([*program, address, PERSON, PASSWORD, QUERY])
    tables = {line[1]: line[2] for line in found if line[0] == "table"}
    assert set(tables) == door.tables
    assert tables["annual"].startswith("How large is the trade in services of each economy")
    assert [line[1:] for line in found if line[0] == "column"] == [["float8", door.comment]]
    ((name, value),) = [line[1:] for line in found if line[0] == "figure"]
    assert (name, float(value)) == door.figure
    assert found[-1] == ["refused", "42501"]


def test_r_lists_the_tables_and_reads_a_figure(door: Door) -> None:
    program = [installed("Rscript"), "--vanilla", str(CLIENTS / "read.R")]
    found = lines_of([*program, str(door.port), DATABASE_NAME, PERSON, PASSWORD, QUERY])
    assert {line[1] for line in found if line[0] == "table"} == door.tables
    ((name, value),) = [line[1:] for line in found if line[0] == "figure"]
    assert (name, float(value)) == door.figure

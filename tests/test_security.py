"""Hostile payloads, queries and log lines, across the steps of the pipeline.

Archives with paths outside the folder, links or false sizes are tested in `formats/test_archive.py`, a
mirror's `file` outside the mirror in `fetch/`, entities in the parts of a workbook in `formats/test_xlsx.py`.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from command_line import invoke
from conftest import Warehouse, environment, ingest, settings_of
from pytest_httpserver import HTTPServer
from test_bad_input import NIGHT, US, cells, inside_7z, mirror_with, put

from warehouse.build import steps
from warehouse.config import PROJECT_ROOT
from warehouse.errors import WarehouseError
from warehouse.files import sha256_of
from warehouse.formats import xlsx_package as workbook
from warehouse.landing import store
from warehouse.model import MEBIBYTE
from warehouse.releases.parquet import export_parquet
from warehouse.releases.query import escape_formula, query, write_csv
from warehouse.releases.trace import trace
from warehouse.sources import wto_merchandise

SECRET = "hush-7f3a9c"  # noqa: S105 (not a real secret)
FORMULAS = ('=HYPERLINK("http://evil.example","click")', "+cmd|' /C calc'!A0", "@SUM(1+1)", "-2+3", "\t=1+1")
CODES = (
    "'; drop table rows; --",
    "\" ; attach 'x' ; --",
    "{{ env_var('HOME') }}",
    "{% do run_query('drop schema core') %}",
    "${HOME}",
    "$HOME",
    "{batch}",
)


# --- the query command --------------------------------------------------------------------------------

HOSTILE = (
    "select * from read_csv('/etc/passwd')",
    "select * from read_text('/etc/passwd')",
    "select * from read_blob('/etc/passwd')",
    "select * from read_json('/etc/passwd')",
    "select * from read_parquet('/etc/passwd')",
    "select * from sniff_csv('/etc/passwd')",
    "select * from parquet_metadata('/etc/passwd')",
    "select * from glob('/*')",
    "from '/etc/passwd'",
    "from 'x.csv'",
    "from 'http://127.0.0.1:1/x.csv'",
    "select * from sqlite_scan('/etc/passwd', 'x')",
    "explain analyze select * from read_csv('/etc/passwd')",
    "explain analyze copy marts.t to 'x.csv'",
    "attach 'x.duckdb' as x",
    "attach ':memory:' as x",
    "detach release",
    "copy marts.t to 'x.csv'",
    "copy (select 1) to 'x.parquet'",
    "copy marts.t from '/etc/passwd'",
    "export database 'x'",
    "import database 'x'",
    "install httpfs",
    "load httpfs",
    "load '/etc/passwd'",
    "update extensions",
    "create table marts.x (a integer)",
    "create temp table x as select 1",
    "create or replace view marts.x as select 1",
    "create macro x() as 1",
    "create secret (type s3)",
    "drop table marts.t",
    "insert into marts.t values (1, 'x')",
    "update marts.t set i = 1",
    "delete from marts.t",
    "truncate marts.t",
    "alter table marts.t rename to y",
    "comment on table marts.t is 'x'",
    "set enable_external_access = true",
    "set lock_configuration = false",
    "reset lock_configuration",
    "set memory_limit = '1TB'",
    "pragma enable_external_access = true",
    "pragma memory_limit = '1TB'",
    "pragma enable_profiling",
    "call enable_logging()",
    "use memory",
    "begin transaction",
    "checkpoint",
    "vacuum",
    "prepare x as select 1",
    "execute x",
    "select getenv('HOME')",
    "select * from database",
    "select 1; select 2",
    "select 1; drop table marts.t",
    "select ';'; attach 'x.duckdb'",
    "/* select */ attach 'x.duckdb'",
    "from query('drop table marts.t')",
    "with x as (delete from marts.t returning *) select * from x",
)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small database with the layout of a release's; read only."""
    file = tmp_path_factory.mktemp("small") / "warehouse.duckdb"
    with duckdb.connect(str(file)) as db:
        db.execute("create schema marts")
        db.execute("create table marts.t as select i, 'text ' || i as s from range(500) as t (i)")
    return file


@pytest.fixture
def released(small: Path, tmp_path: Path) -> Path:
    """Return a copy of that database, in an otherwise empty folder."""
    folder = tmp_path / "release"
    folder.mkdir()
    return Path(shutil.copyfile(small, folder / "warehouse.duckdb"))


@pytest.mark.parametrize("sql", HOSTILE)
def test_query_can_only_read_the_release(sql: str, released: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(released.parent)  # the folder of a file with a relative path
    before = sha256_of(released)
    with pytest.raises(WarehouseError, match="the query failed") as rejected:
        query(released, sql, None)
    assert "root:" not in str(rejected.value) and os.environ["HOME"] not in str(rejected.value)
    assert sha256_of(released) == before
    assert [path.name for path in released.parent.iterdir()] == ["warehouse.duckdb"]


def test_query_that_enables_logging_writes_no_file(released: Path) -> None:
    """The table function is a `select`; the session has no file access."""
    log_folder = released.parent / "log"
    query(
        released,
        f"with a as materialized (from enable_logging('QueryLog', storage = 'file', "
        f"storage_path = '{log_folder}')) "
        "select * from a, (select count(write_log('x' || i)) from range(10000) as t (i))",
        None,
    )
    assert [path.name for path in released.parent.iterdir()] == ["warehouse.duckdb"]


@pytest.mark.parametrize(
    "sql",
    (
        "select count(*) as n from marts.t",
        "from marts.t",
        "with a as (from marts.t) select * from a",
        "values (1)",
        "show all tables",
        "describe marts.t",
        "summarize marts.t",
        "explain select * from marts.t",
        "-- a remark\nselect 1 as a;",
    ),
)
def test_query_returns_rows(sql: str, released: Path) -> None:
    assert query(released, sql, None).rows


def test_rows_are_limited_and_further_rows_are_reported(released: Path, warehouse: Warehouse) -> None:
    assert query(released, "from marts.t", None).has_more is False
    exact = query(released, "from marts.t", 500)
    assert (len(exact.rows), exact.has_more) == (500, False)
    limited = query(released, "from marts.t order by i", 3)
    assert limited.rows == ((0, "text 0"), (1, "text 1"), (2, "text 2")) and limited.has_more
    with pytest.raises(WarehouseError, match="at least 1"):
        query(released, "from marts.t", 0)
    default = invoke(warehouse.home, "query", "select i from range(200) as t (i)")
    assert "first 100 rows of more" in default.stdout
    listed = invoke(warehouse.home, "query", "select i from range(200) as t (i)", "--csv")
    assert listed.stdout.split() == ["i", *map(str, range(200))]
    two = invoke(warehouse.home, "query", "from range(9)", "--csv", "--rows", "2")
    assert two.stdout.split() == ["range", "0", "1"] and "first 2 rows of more" in two.stderr


def test_csv_output_escapes_formulas(released: Path) -> None:
    shown = " union all ".join(
        f"select '{text.replace(chr(39), chr(39) * 2)}' as s, -1.5 as n" for text in FORMULAS
    )
    out = io.StringIO()
    write_csv(query(released, shown, None), out)
    header, *rows = list(csv.reader(io.StringIO(out.getvalue())))
    assert header == ["s", "n"]
    assert [row[0] for row in rows] == [f"'{text}" for text in FORMULAS]
    assert {row[1] for row in rows} == {"-1.5"}, "numbers are not escaped"
    assert [escape_formula(text) for text in ("-1.5", "+3", "1e-5", "a=b", "", None)] == [
        "-1.5", "+3", "1e-5", "a=b", "", None
    ]  # fmt: skip


def trace_in(warehouse: Warehouse, table: str, conditions: dict[str, str]) -> None:
    trace(warehouse.release, warehouse.home / "landing", warehouse.home / "reread", table, conditions)


@pytest.fixture(scope="module")
def checksum(warehouse: Warehouse) -> str:
    """Return the SHA-256 of the sample's release."""
    return sha256_of(warehouse.database)


@pytest.mark.parametrize("value", CODES)
def test_trace_treats_values_as_literals(value: str, warehouse: Warehouse, checksum: str) -> None:
    with pytest.raises(WarehouseError):
        trace(
            warehouse.release,
            warehouse.home / "landing",
            warehouse.home / "reread",
            "marts.mart_trade_scale",
            {"reporter": value, "period_label": "2021", "source": "unctad_services"},
        )
    with pytest.raises(WarehouseError):
        trace(
            warehouse.release,
            warehouse.home / "landing",
            warehouse.home / "reread",
            "marts.mart_trade_scale",
            {value: "x"},
        )
    with pytest.raises(WarehouseError):
        trace_in(warehouse, f"marts.{value}", {})
    assert sha256_of(warehouse.database) == checksum


# --- codes and texts ----------------------------------------------------------------------------------


@pytest.mark.parametrize("code", CODES)
def test_sql_and_templates_in_a_code_are_reported_verbatim(code: str, tmp_path: Path) -> None:
    """The load gate reads cells in SQL; its message must have the code as it was sent."""

    def with_code(rows: list[list[str]]) -> list[list[str]]:
        """Put the code before that of every economy but the world: a few unknown ones would be held."""
        economy = rows[0].index("Economy")
        return [
            [*row[:economy], code + row[economy], *row[economy + 1 :]]
            if number and row[economy] not in ("0000", "0156")
            else row
            for number, row in enumerate(rows)
        ]

    home = tmp_path / "home"
    mirror = mirror_with(tmp_path, "TradeServ", inside_7z(cells(with_code)))
    settings = settings_of(home, mirror)
    with environment(HOME="/the/secret/home"):
        incoming = steps.fetch(settings, "unctad_services")
        with pytest.raises(WarehouseError) as rejected:
            steps.accept(settings, "unctad_services", incoming)
    (report,) = (home / "rejected" / "unctad_services").glob("*/report.json")
    reasons = json.loads(report.read_text(encoding="utf-8"))["reasons"]
    assert f"unknown economy code '{code}" in " ".join(reasons)
    assert code in str(rejected.value)
    assert "/the/secret/home" not in report.read_text(encoding="utf-8") + str(rejected.value)


@pytest.mark.parametrize("text", (*FORMULAS[:4], *CODES))
def test_formula_or_statement_as_figure_is_rejected(text: str, tmp_path: Path) -> None:
    mirror = mirror_with(tmp_path, "TradeServ", inside_7z(cells(put(5, US, text))))
    settings = settings_of(tmp_path / "home", mirror)
    incoming = steps.fetch(settings, "unctad_services")
    with pytest.raises(WarehouseError, match=r"not a plain decimal number.*row 6"):
        steps.accept(settings, "unctad_services", incoming)


def test_formulas_in_curated_figures_are_published_as_text(tmp_path: Path) -> None:
    """Notes and excerpts are free text: they are landed and exported to Parquet unchanged."""
    folder = tmp_path / "curated"
    shutil.copytree(PROJECT_ROOT / "warehouse" / "curated", folder)
    path = folder / "national_releases.csv"
    rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    texts = [
        text for text in (*FORMULAS, *CODES) if not text.startswith("\t")
    ]  # a tab is rejected by the reader
    note, excerpt = rows[0].index("note"), rows[0].index("excerpt")
    assert len(rows) > len(texts)
    for row, text in zip(rows[1:], texts, strict=False):
        row[note] = row[excerpt] = text
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows(rows)
    mirror = tmp_path / "none"
    mirror.mkdir()
    (mirror / "index.json").write_text('{"name": "none", "answers": []}')
    assert ingest(settings_of(tmp_path / "home", mirror, curated=folder), "curated") is not None
    (vintage,) = store.vintages(tmp_path / "home" / "landing", "curated")
    build = tmp_path / "build.duckdb"
    with duckdb.connect(str(build)) as db:
        db.execute(f"create table figures as from read_parquet('{vintage.rows_path}')")
    (tmp_path / "out").mkdir()
    export_parquet(build, tmp_path / "out", {})
    exported = pq.read_table(tmp_path / "out" / "figures.parquet")
    for name in ("note", "excerpt"):
        assert str(exported.schema.field(name).type) == "string"
        assert set(texts) <= set(exported.column(name).to_pylist())


# --- archives and workbooks, from the mirror to the quarantine ----------------------------------------


def rejection_of(tmp_path: Path, source: str, part: str, spoil: Callable[[bytes], bytes]) -> str:
    """Run a source with a changed file, expect a rejection without remains, and return its message."""
    home = tmp_path / "home"
    begun = time.monotonic()
    with pytest.raises(WarehouseError, match=source) as rejected:
        ingest(settings_of(home, mirror_with(tmp_path, part, spoil)), source)
    assert time.monotonic() - begun < 30
    assert store.vintages(home / "landing", source) == ()
    written = sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
    assert written < 8 * MEBIBYTE, "no expanded content is left"
    return str(rejected.value)


def with_members(change: Callable[[zipfile.ZipFile], None]) -> Callable[[bytes], bytes]:
    def spoil(sent: bytes) -> bytes:
        out = io.BytesIO()
        with (
            zipfile.ZipFile(io.BytesIO(sent)) as original,
            zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        ):
            for name in original.namelist():
                archive.writestr(name, original.read(name))
            change(archive)
        return out.getvalue()

    return spoil


def add_zeroes(name: str, size: int) -> Callable[[zipfile.ZipFile], None]:
    def add(archive: zipfile.ZipFile) -> None:
        with archive.open(name, "w", force_zip64=True) as member:
            for _ in range(size // MEBIBYTE):
                member.write(bytes(MEBIBYTE))

    return add


def test_workbook_that_expands_over_limit_is_rejected(tmp_path: Path) -> None:
    bomb = with_members(add_zeroes("xl/media/picture.bin", workbook.MAX_UNPACKED_BYTES))
    assert "unpacked it would take" in rejection_of(tmp_path, "safe_bop", ".xlsx", bomb)


def test_table_that_expands_over_limit_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compression ratio of a thousand to one, the maximum of deflate."""
    size = wto_merchandise.REPORT.max_expanded_bytes + MEBIBYTE

    def bomb(_: bytes) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            add_zeroes("table.csv", size)(archive)
        return out.getvalue()

    message = rejection_of(tmp_path, "wto_merchandise", "merchandise_values", bomb)
    assert "expands past the limit" in message or "too large" in message


def test_nested_archive_is_not_opened(tmp_path: Path) -> None:
    def nested(sent: bytes) -> bytes:
        for depth in range(5):
            out = io.BytesIO()
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(f"layer-{depth}.zip", sent)
            sent = out.getvalue()
        return sent

    message = rejection_of(tmp_path, "batis", "BATIS_BPM6", nested)
    assert "batis.zip" in message and "exactly one file *.csv" in message
    assert not list(tmp_path.rglob("layer-*"))


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
DOCTYPES = {
    "a billion laughs": f'<!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]>',
    "a quadratic blowup": f'<!DOCTYPE x [<!ENTITY l9 "{"a" * 100_000}">]>',
    "an external entity": '<!DOCTYPE x [<!ENTITY l9 SYSTEM "file:///SECRET">]>',
    "a parameter entity": '<!DOCTYPE x [<!ENTITY % p SYSTEM "file:///SECRET"> %p;]>',
    "an external subset": '<!DOCTYPE x SYSTEM "file:///SECRET">',
}


@pytest.mark.parametrize("kind", DOCTYPES)
def test_entities_in_workbook_are_rejected_and_not_resolved(kind: str, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text(SECRET)
    doctype = DOCTYPES[kind].replace("/SECRET", str(tmp_path / "secret.txt"))

    def spoil(sent: bytes) -> bytes:
        out = io.BytesIO()
        with (
            zipfile.ZipFile(io.BytesIO(sent)) as original,
            zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            for name in original.namelist():
                data = original.read(name)
                if name == "xl/sharedStrings.xml":
                    head, _, rest = data.partition(b"?>")
                    rest = rest.replace(b"</t>", b"&l9;</t>", 1)
                    data = head + b"?>" + doctype.encode() + rest
                archive.writestr(name, data)
        return out.getvalue()

    message = rejection_of(tmp_path, "safe_bop", ".xlsx", spoil)
    assert "declares a document type or an entity" in message
    assert SECRET not in message


# --- secrets ------------------------------------------------------------------------------------------

CONNECTIONS = {
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://airflow:{SECRET}@127.0.0.1/airflow",
    "AIRFLOW_CONN_SLACK": f"slackwebhook://:{SECRET}@hooks.example/services/T0/B0/{SECRET}",
    "AIRFLOW_CONN_SMTP_DEFAULT": f"smtp://me:{SECRET}@mail.example:587",
}


def serve_recorded_night(server: HTTPServer) -> str:
    """Serve the recorded night; return its address with a user and a password."""
    index = json.loads((NIGHT / "index.json").read_text(encoding="utf-8"))
    answers = [answer for answer in index["answers"] if "mofcom" in answer["address"]]
    assert answers
    server.expect_request("/index.json").respond_with_json({"name": "behind a password", "answers": answers})
    for answer in answers:
        data = (NIGHT / answer["file"]).read_bytes()
        server.expect_request(f"/{answer['file']}").respond_with_data(
            data, content_type=answer["content_type"]
        )
    return server.url_for("").replace("//", f"//reader:{SECRET}@").rstrip("/")


RUN = """
import json, os, sys
from warehouse.cli import main
for mirror, *arguments in json.loads(sys.argv[1]):
    os.environ["WAREHOUSE_MIRROR"], sys.argv[1:] = mirror, arguments
    try:
        main()
        code = 0
    except SystemExit as ended:
        code = ended.code or 0
    print(f"exit code {code} of {arguments[0]}", flush=True)
"""


def run_with(home: Path, *commands: tuple[str, ...]) -> str:
    """Run commands, each a mirror and arguments, in a process with secrets; return what it prints."""
    ended = subprocess.run(
        [sys.executable, "-c", RUN, json.dumps(commands)],
        cwd=PROJECT_ROOT,
        env={"PATH": "/usr/bin:/bin", "WAREHOUSE_HOME": str(home), **CONNECTIONS},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


def files_with(home: Path, secret: str) -> list[str]:
    return [str(path) for path in home.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]


@pytest.mark.slow
def test_password_of_mirror_is_neither_stored_nor_printed(httpserver: HTTPServer, tmp_path: Path) -> None:
    mirror = serve_recorded_night(httpserver)
    httpserver.expect_request("/broken/index.json").respond_with_data("not json")
    message = run_with(
        tmp_path,
        (mirror, "fetch", "mofcom_totals"),
        (mirror, "status", "--json"),
        (mirror, "fetch", "unctad_goods"),  # missing in the mirror
        (mirror + "/nowhere", "fetch", "mofcom_totals"),
        (f"ftp://reader:{SECRET}@127.0.0.1/x", "fetch", "mofcom_totals"),
        (mirror + "/broken", "fetch", "mofcom_totals"),
    )
    assert re.findall(r"^exit code (\d)", message, re.MULTILINE) == ["0", "0", "1", "1", "1", "1"]
    assert "accepted" in message
    assert any("Authorization" in asked.headers for asked, _ in httpserver.log), "the password was used"
    (vintage,) = store.vintages(tmp_path / "landing", "mofcom_totals")
    assert vintage.files[0].via == "behind a password"
    assert message.count("failed") >= 3 and "not configured" in message
    assert SECRET not in message
    outcomes = {check.outcome for check in store.list_checks(tmp_path / "landing", "mofcom_totals").require()}
    assert outcomes == {"accepted", "failed"}
    assert files_with(tmp_path, "accepted"), "the search finds text that is stored"
    assert files_with(tmp_path, SECRET) == []


def test_nightly_page_shows_no_password(tmp_path: Path) -> None:
    shown = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.path.insert(0, 'dags'); import nightly; "
            "(night,) = nightly.nights(sys.argv[1], {}); print(night.title); "
            "assert night.mirror == sys.argv[1]",
            f"https://reader:{SECRET}@mirror.example/services",
        ],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    assert shown.strip() == "https://***@mirror.example/services"


# --- the audit of the lock ----------------------------------------------------------------------------


def audit() -> Any:
    spec = importlib.util.spec_from_file_location("audit", PROJECT_ROOT / ".ci" / "audit.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def package(name: str, *found: str, skip: str = "") -> dict[str, Any]:
    if skip:
        return {"name": name, "skip_reason": skip}
    vulns = [{"id": vulnerability, "fix_versions": ["2.0"], "description": ""} for vulnerability in found]
    return {"name": name, "version": "1.0", "vulns": vulns}


@pytest.mark.parametrize(
    ("report", "code", "expected"),
    [
        ({"dependencies": [package("a"), package("b")]}, 0, "2 packages were checked"),
        ({"dependencies": [package("a", "PYSEC-1")]}, 1, "a 1.0: PYSEC-1, fixed in 2.0"),
        ({"dependencies": [package("a"), package("b", skip="no")]}, 3, "NOT CHECKED: 1 of 2 packages (b)"),
        ({"dependencies": [package("a", "X"), package("b", skip="-")]}, 1, "NOT CHECKED: 1 of 2"),
        ({"dependencies": []}, 3, "NOT CHECKED"),
        (None, 3, "NOT CHECKED: no route"),
    ],
)
def test_audit_without_answer_fails(report: Any, code: int, expected: str) -> None:
    ended, message = audit().verdict(report, "Traceback\nno route")
    assert ended == code
    assert expected in message

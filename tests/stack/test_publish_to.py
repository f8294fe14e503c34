"""`warehouse publish-to` on a real PostgreSQL: a cluster in a temporary directory, on loopback."""

from __future__ import annotations

import os
import subprocess
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import sqlalchemy
from bench.cluster import debian_bin
from command_line import invoke
from postgresql import ADMIN, ESCAPED, address_of, connect, run
from small_releases import make_release

from warehouse.alerts import database_alerts
from warehouse.config import read_settings
from warehouse.errors import WarehouseError
from warehouse.publication import postgres
from warehouse.publication.publish_to import publish_to
from warehouse.releases.history import read_history

pytestmark = pytest.mark.stack

PUBLICATIONS = 10
READERS = 4
ROWS = 3000
KINDS = """
    create table core.dim_economy as select * from (values
        ('CHN', '中国', 'it''s "quoted"'), ('DEU', '', null)) as t (economy, name_zh, note);
    create schema bi;
    create table bi.kinds as select * from (values
        ('CHN', date '2020-01-01', 0.1::double, 1.000000000000000001::decimal(38,18), true,
            timestamp '2020-01-01 10:00:00.123456', 7::bigint, 3::integer, E'two\\nlines\\\\N'),
        ('DEU', date '2021-12-31', -0.0::double, -12345678901234567890.5::decimal(38,18), false,
            timestamp '1999-12-31 23:59:59', null, null, '\\N'),
        ('FRA', null, null, null, null, null, null, null, null)
    ) as t (reporter, period_start, share, exact, is_preferred, refreshed_at, rows, rank, text);
    comment on table bi.kinds is 'A row of each kind; it''s a test';
    comment on column bi.kinds.share is 'Share in percent, 100 % is all'"""


def release(home: Path, number: int, sql: str = "", is_latest: bool = True) -> str:
    """Publish a small release whose figures are all `number`; return its id."""
    rows = ", ".join(f"('R{row}', date '2020-01-01', true, '1', {number}.0, {number})" for row in range(ROWS))
    name = f"202405{number:02d}T000000000000Z"
    make_release(home, name, rows, sql=sql, is_latest=is_latest)
    return name


def publish(home: Path, port: int, database: str, **options: Any) -> Any:
    return publish_to(read_settings(home=home, operator="tests"), address_of(port, database), **options)


def test_database_is_behind_until_the_command_of_the_alert_copies(
    port: int, database: str, tmp_path: Path
) -> None:
    address = address_of(port, database)
    settings = read_settings(home=tmp_path, publish_to=address)
    for number in (1, 2):
        name = release(tmp_path, number)
        (alert,) = database_alerts(settings)
        invoke(tmp_path, *alert.command.split()[1:], WAREHOUSE_PUBLISH_TO=address)
        assert database_alerts(settings) == []
        assert run(port, "select release from bi.release", database) == [(name,)]


def test_first_publication_has_every_cell_type_and_comment(port: int, database: str, tmp_path: Path) -> None:
    name = release(tmp_path, 1, KINDS)
    address = address_of(port, database)
    shown = invoke(tmp_path, "publish-to", address)
    assert (
        f"copied release {name} to postgresql://{ADMIN}@127.0.0.1:{port}/{database}: 3 tables" in shown.stdout
    )
    assert ESCAPED not in shown.stdout + shown.stderr

    found = run(port, "select * from bi.kinds order by reporter", database)
    assert [str(value) for value in found[1]] == [
        "DEU", "2021-12-31", "-0.0", "-12345678901234567890.500000000000000000", "False",
        "1999-12-31 23:59:59", "None", "None", "\\N",
    ]  # fmt: skip
    assert found[0][-1] == "two\nlines\\N" and found[2][1:] == (None,) * 8
    assert run(port, "select name_zh, note from core.dim_economy order by economy", database) == [
        ("中国", 'it\'s "quoted"'), ("", None)
    ]  # fmt: skip
    assert run(port, "select release, as_of::text from bi.release", database) == [(name, "2024-05-02")]

    described = subprocess.run(
        [debian_bin() / "psql", address, "-c", r"\d+ bi.kinds", "-c", r"\dt+ bi.kinds"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PAGER": "", "LC_ALL": "C.UTF-8"},
    ).stdout
    for text in (
        "numeric(38,18)",
        "timestamp without time zone",
        "Share in percent, 100 % is all",
        "it's a test",
    ):
        assert text in described

    engine = sqlalchemy.create_engine(address.replace("postgresql://", "postgresql+psycopg2://"))
    inspector = sqlalchemy.inspect(engine)
    kinds = {column["name"]: column for column in inspector.get_columns("kinds", schema="bi")}
    assert str(kinds["share"]["type"]) == "DOUBLE PRECISION"
    assert kinds["share"]["comment"] == "Share in percent, 100 % is all"
    assert inspector.get_table_comment("kinds", schema="bi")["text"] == "A row of each kind; it's a test"
    engine.dispose()

    entry = read_history(tmp_path / "published").records[-1]
    assert (entry.action, entry.release, entry.before, entry.after) == ("publish-to", name, name, name)
    assert entry.address == f"postgresql://{ADMIN}@127.0.0.1:{port}/{database}"
    assert ESCAPED not in (tmp_path / "published" / "history.jsonl").read_text()


def test_new_and_dropped_columns_and_tables(port: int, database: str, tmp_path: Path) -> None:
    release(tmp_path, 1, f"{KINDS}; create table marts.mart_old as select 'CHN' as reporter")
    publish(tmp_path, port, database)
    run(port, "create schema users; create view users.v as select reporter, rank from bi.kinds", database)
    changed = KINDS.replace(", rank, text)", ", position, text)").replace("3::integer", "4::bigint")
    name = release(tmp_path, 2, changed)
    copied = publish(tmp_path, port, database).copied
    assert (copied.columns_added, copied.columns_kept) == (("bi.kinds.position",), ("bi.kinds.rank",))
    assert (copied.tables_created, copied.tables_emptied) == ((), ("marts.mart_old",))
    assert run(port, "select rank, position from bi.kinds order by reporter limit 1", database) == [(None, 4)]
    assert run(port, "select count(*), count(rank) from users.v", database) == [(3, 0)]
    assert run(port, "select count(*) from marts.mart_old", database) == [(0,)]
    comment = "select col_description('bi.kinds'::regclass, 8), obj_description('marts.mart_old'::regclass)"
    assert run(port, comment, database) == [
        (f"Not in the releases since {name}; null in every row", f"Not in the releases since {name}; empty")
    ]
    assert run(port, "select max(exports_million), count(*) from marts.mart", database) == [(2.0, ROWS)]


def test_readers_of_ten_publications_see_whole_releases(port: int, database: str, tmp_path: Path) -> None:
    """Four readers and a transaction that began before them all; a view of a user stays."""
    names = {release(tmp_path, number): number for number in range(1, PUBLICATIONS + 2)}
    first, *later = names
    publish(tmp_path, port, database, release=first)
    run(port, "create schema users; create view users.v as select * from marts.mart", database)
    sql = (
        "select min(exports_million), max(exports_million), count(*), min(world_rank), "
        "(select release from bi.release), (select max(exports_million) from users.v) from marts.mart"
    )
    done, seen, errors = threading.Event(), [], []

    def read() -> None:
        try:
            with closing(connect(port, database)) as server:
                server.autocommit = True
                with server.cursor() as cursor:
                    cursor.execute("set statement_timeout = '20s'")
                    while not done.is_set():
                        cursor.execute(sql)
                        seen.append(cursor.fetchone())
        except psycopg2.Error as error:
            errors.append(error)

    with closing(connect(port, database)) as old, old.cursor() as cursor:
        old.set_session(isolation_level="REPEATABLE READ", readonly=True)
        cursor.execute(sql)
        before = cursor.fetchone()
        readers = [threading.Thread(target=read) for _ in range(READERS)]
        for reader in readers:
            reader.start()
        try:
            for name in later:
                publish(tmp_path, port, database, release=name)
                cursor.execute(sql)
                assert cursor.fetchone() == before
        finally:
            done.set()
            for reader in readers:
                reader.join(timeout=30)
    assert errors == []
    assert before == (1.0, 1.0, ROWS, 1, first, 1.0)
    for low, high, count, rank, name, of_view in seen:
        number = names[name]
        assert (low, high, count, rank, of_view) == (number, number, ROWS, number, number)
    assert len(seen) > 10 * PUBLICATIONS
    assert {name for *_, name, _ in seen} >= set(later[:-1])


def test_index_across_economies_is_made_once(port: int, database: str, tmp_path: Path) -> None:
    mart = """create table marts.mart_ranked as select 'batis' as source, 'R' || n as reporter,
        'S' as service, 'exports' as flow, date '2020-01-01' as period_start from range(5000) as t (n)"""
    sql = "select indexname, indexdef from pg_indexes where indexname like '%across%'"
    for number in (1, 2):
        release(tmp_path, number, mart)
        publish(tmp_path, port, database)
        [(name, definition)] = run(port, sql, database)
        assert name == "mart_ranked_across_economies"
        assert definition.endswith("(source, service, flow, period_start)")
    asked = "select * from marts.mart_ranked where source = 'unctad' and service = 'S' and flow = 'exports'"
    assert "mart_ranked_across_economies" in str(run(port, f"explain {asked}", database))


def test_reader_role_selects_and_cannot_write(port: int, database: str, tmp_path: Path) -> None:
    release(tmp_path, 1, KINDS)
    assert publish(tmp_path, port, database).copied.warnings == ()
    with closing(connect(port, database, "admin")) as server, server.cursor() as cursor:
        cursor.execute("set role bi_reader")
        cursor.execute("select count(*) from bi.kinds, bi.release, core.dim_economy")
        assert cursor.fetchone() == (6,)
        for sql in (
            "delete from bi.kinds",
            "insert into bi.release values (null)",
            "create table bi.x (a int)",
        ):
            server.commit()
            cursor.execute("set role bi_reader")
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute(sql)
            server.rollback()


def test_missing_role_that_may_not_be_created_is_a_warning(port: int, database: str, tmp_path: Path) -> None:
    release(tmp_path, 1)
    run(port, f"alter role {ADMIN} nocreaterole", user="admin")
    try:
        (warning,) = publish(tmp_path, port, database, reader="analysts").copied.warnings
    finally:
        run(port, f"alter role {ADMIN} createrole", user="admin")
    assert "role analysts does not exist" in warning
    assert run(port, "select count(*) from marts.mart", database) == [(ROWS,)]


@pytest.mark.parametrize(
    ("effect", "message"),
    [
        (
            "if new.reporter = 'R7' then return null; end if",
            rf"{ROWS - 1} rows after the copy, the release {ROWS}",
        ),
        ("if new.reporter = 'R7' then new.exports_million := 2.0000000000000004; end if", "cells differ"),
        ("if new.reporter = 'R7' then raise exception 'planted'; end if", "publication failed.*planted"),
    ],
)
def test_copy_that_differs_from_the_release_is_rolled_back(
    effect: str, message: str, port: int, tmp_path: Path
) -> None:
    database = f"planted{abs(hash(effect))}"
    run(port, f"create database {database}")
    name = release(tmp_path, 1)
    publish(tmp_path, port, database)
    release(tmp_path, 2)
    run(
        port,
        "create function planted() returns trigger language plpgsql as "
        f"$$ begin {effect}; return new; end $$;"
        "create trigger planted before insert on marts.mart for each row execute function planted()",
        database,
    )
    with pytest.raises(WarehouseError, match=message):
        publish(tmp_path, port, database)
    assert run(port, "select distinct exports_million from marts.mart", database) == [(1.0,)]
    assert run(port, "select release from bi.release", database) == [(name,)]
    assert read_history(tmp_path / "published").records[-1].action == "publish"
    run(port, "drop trigger planted on marts.mart", database)
    publish(tmp_path, port, database)
    assert run(port, "select distinct exports_million from marts.mart", database) == [(2.0,)]


def test_vacuum_that_fails_after_the_commit_is_a_warning(
    port: int, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ends the session when the rows are committed: readers see them, and the history says so."""

    def lose_connection(server: Any, *statements: str) -> None:
        if any(statement.startswith("vacuum") for statement in statements):
            sessions = "pg_stat_activity where application_name = 'warehouse publish-to'"
            run(port, f"select pg_terminate_backend(pid) from {sessions}")
        run_statements(server, *statements)

    run_statements = postgres._run
    monkeypatch.setattr(postgres, "_run", lose_connection)
    name, address = release(tmp_path, 1), address_of(port, database)
    shown = invoke(tmp_path, "publish-to", address)
    assert f"copied release {name}" in shown.stdout and ESCAPED not in shown.stderr
    assert "the copy is complete" in shown.stderr and "Run there: vacuum (analyze)" in shown.stderr
    assert run(port, "select release from bi.release", database) == [(name,)]
    entry = read_history(tmp_path / "published").records[-1]
    assert (entry.action, entry.release) == ("publish-to", name)
    assert database_alerts(read_settings(home=tmp_path, publish_to=address)) == []


def test_new_column_waits_for_no_reader_and_names_it(
    port: int, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "LOCK_SECONDS", 1)
    monkeypatch.setattr(postgres, "LOCK_ATTEMPTS", 2)
    monkeypatch.setattr(postgres, "PAUSE_SECONDS", 0.1)
    first = release(tmp_path, 1, KINDS)
    publish(tmp_path, port, database)
    release(tmp_path, 2, KINDS.replace(", rank, text)", ", position, text)"))
    with closing(connect(port, database)) as old, old.cursor() as cursor:
        cursor.execute("select count(*) from bi.kinds")
        with pytest.raises(
            WarehouseError, match=r"bi\.kinds: has to be changed .*in use by process \d+ of writer"
        ):
            publish(tmp_path, port, database)
        assert run(port, "select release from bi.release", database) == [(first,)]
    assert publish(tmp_path, port, database).copied.columns_added == ("bi.kinds.position",)


def test_table_that_no_publication_made_is_left_alone(port: int, database: str, tmp_path: Path) -> None:
    release(tmp_path, 1)
    run(port, "create schema marts; create table marts.mart as select 7 as mine", database)
    with pytest.raises(WarehouseError, match=r"marts\.mart, which no publication made"):
        publish(tmp_path, port, database)
    assert run(port, "select mine from marts.mart", database) == [(7,)]
    run(port, "drop table marts.mart", database)
    publish(tmp_path, port, database)


def test_two_publications_at_once_are_rejected(port: int, database: str, tmp_path: Path) -> None:
    release(tmp_path, 1)
    rejected = pytest.raises(WarehouseError, match="another publication is running")
    with postgres.connected(address_of(port, database)), rejected:
        publish(tmp_path, port, database)
    publish(tmp_path, port, database)


def test_wrong_password_and_missing_server_are_reported_without_it(port: int, tmp_path: Path) -> None:
    release(tmp_path, 1)
    for address in (
        f"postgresql://{ADMIN}:wrong-word@127.0.0.1:{port}/postgres",
        f"postgresql://{ADMIN}:wrong-word@127.0.0.1:1/postgres",
        f"postgresql://{ADMIN}:wrong-word@127.0.0.1:port/postgres",
        f"postgresql://{ADMIN}:wrong-word%zz@127.0.0.1/postgres",
    ):
        shown = invoke(tmp_path, "publish-to", address, exit_code=1)
        assert f"postgresql://{ADMIN}@127.0.0.1" in shown.stderr and "no connection" in shown.stderr
        assert "wrong-word" not in shown.stderr + shown.stdout

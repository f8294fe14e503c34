"""The two Great Expectations doors: a vintage before it is accepted, a release before it is published.

Keeps: the only use of Great Expectations, run *in* DuckDB over every row and never over a sample. Each
door makes a small judge database in `work`, whose views show what is judged beside what stood before:

* door 1, `validate_vintage`: `raw.<source>` (the candidate's rows), `previous.<source>` (the last accepted
  vintage's rows, or none) and `seeds.<name>` (every seed, as text); suite `raw.<source>.json`;
* door 3, `validate_release`: `core.<table>` and `marts.<table>` of the finished build, and
  `standing.<table>`, the same tables of the release that readers have now (or none); suites
  `core.<table>.json` and `marts.<table>.json`.

A suite is a JSON file `<schema>.<table>.json`; its name is the binding. It holds a list `expectations` of
`{"type", "kwargs", "meta": {"name", "why"}}` as Great Expectations spells them; an `unexpected_rows_query`
may be a list of lines. Such a query gives one column `finding`, a sentence that names the offending code,
value, file and row: those sentences are what an operator reads. Three macros help it: `is_number(text)`,
`number(text)` (a double, for judging only; null for what is no number) and the aggregate
`places(_file, _row)`, which spells "(3 rows, first in file X row 12)".

Refuses (`WarehouseError`): a suite file that is missing, unreadable, empty, without a reason for each
expectation, bound to no known schema, or that Great Expectations would load in part; a mart or fact that
no suite judges; an enumeration that finds nothing. Fails the verdict: an expectation that is not met, one
that raises, and a suite whose table does not exist. It never writes to what it judges, never locks out
readers of the standing release, and sends nothing anywhere.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse.errors import WarehouseError
from warehouse.model import Source

if TYPE_CHECKING:
    import duckdb

LOG = logging.getLogger(__name__)

SCHEMAS = ("raw", "core", "marts")
ROWS_QUERY = "unexpected_rows_query"
SENTENCES_SHOWN = 20
TABLE_EXISTS = "the table exists"

# A text that is no number must fail the expectation about numbers, and be passed over by the others.
JUDGE_MACROS = (
    "create macro is_number(digits) as regexp_full_match(digits, '-?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]+)?')",
    "create macro number(digits) as case when is_number(digits) then cast(digits as double) end",
    "create macro places(file, row_number) as '(' || count(*) || case when count(*) = 1 then ' row' "
    "else ' rows' end || ', first in file ' || arg_min(file, (file, row_number)) || ' row ' || "
    "arg_min(row_number, (file, row_number)) || ')'",
)

# What Great Expectations' pages load from public hosts or need scripts for.
FOREIGN = (
    re.compile(r"<script\b.*?</script>", re.DOTALL),
    re.compile(r"<style\b.*?</style>", re.DOTALL),
    re.compile(r"<link\b[^>]*>"),
    re.compile(r"<img\b[^>]*>"),
    re.compile(r"<footer\b.*?</footer>", re.DOTALL),
)

STYLE = """
body { font: 15px/1.5 system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; margin: 0; }
body { color: #1d2733; }
main, .container-fluid { max-width: 1200px; margin: 0 auto; padding: 0 1.5rem 2rem; }
h1 { font-size: 1.6rem; margin: 1.5rem 0 .5rem; }
h4, h5, h6 { font-size: 1.05rem; margin: 1rem 0 .3rem; }
a { color: #0b5cad; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid #dde3ea; }
thead th { border-bottom: 2px solid #9aa7b5; }
tr.table th { padding-top: 1.2rem; font-size: 1.1rem; }
td.sign { width: 1.2rem; font-weight: bold; }
.met .sign, .text-success { color: #1a7f37; }
.broken td, .broken .sign, .text-danger { color: #b3261e; }
.summary { font-size: 1.1rem; font-weight: bold; }
.summary.met { color: #1a7f37; }
.summary.broken { color: #b3261e; }
code, pre { font: 12.5px/1.45 ui-monospace, "DejaVu Sans Mono", monospace; white-space: pre-wrap; }
.fa-check-circle::before { content: "\\2713"; }
.fa-times::before, .fa-exclamation-triangle::before { content: "\\2717"; }
.navbar ol { list-style: none; display: flex; gap: .5rem; padding: 0 1.5rem; max-width: 1200px; }
.col-lg-2, .navbar-brand, .collapse, [data-toggle="collapse"] { display: none; }
"""


@dataclass(frozen=True)
class Finding:
    """What one expectation found: `detail` names the offending values and rows, or is empty."""

    table: str
    expectation: str
    why: str
    success: bool
    detail: str

    def __str__(self) -> str:
        """Spell the finding on one line."""
        return f"{self.table}: {self.expectation}: {self.detail or ('met' if self.success else 'not met')}"


@dataclass(frozen=True)
class Verdict:
    """The findings of one door, and whether all of them are met."""

    success: bool
    findings: tuple[Finding, ...]

    def reasons(self) -> tuple[str, ...]:
        """Return the failed findings as lines that an operator can read."""
        return tuple(str(finding) for finding in self.findings if not finding.success)

    def to_json(self) -> str:
        """Spell the verdict as JSON, in the order in which it was judged."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=2)

    @classmethod
    def from_json(cls, text: str) -> Verdict:
        """Read a verdict that `to_json` wrote."""
        value = json.loads(text)
        return cls(
            success=value["success"],
            findings=tuple(Finding(**finding) for finding in value["findings"]),
        )


@dataclass(frozen=True)
class Suite:
    """One suite file: the table it binds to by its name, and its expectations as written."""

    path: Path
    schema: str
    table: str
    expectations: tuple[Mapping[str, Any], ...]

    @property
    def name(self) -> str:
        """Return the table's name with its schema."""
        return f"{self.schema}.{self.table}"


def validate_vintage(
    source: Source, rows: Path, previous_rows: Path | None, seeds: Path, suites: Path, work: Path
) -> Verdict:
    """Judge a candidate vintage's parsed rows, next to the last accepted vintage's.

    `rows` and `previous_rows` are Parquet files of the source's columns with `_file` and `_row`; `seeds` is
    the folder of seed CSV files, `suites` the folder of suite files, `work` a scratch folder. Raise
    WarehouseError if the suite or the seeds cannot be had.
    """
    suite = read_suite(suites / f"raw.{source.name}.json")
    judge = _judge_file(work)
    with closing(_open(judge)) as connection:
        candidate = f"read_parquet({_text(rows)})"
        connection.execute(f"create view raw.{source.name} as select * from {candidate}")
        columns = _columns(connection, f"from {candidate}")
        if previous_rows is None:
            before = _same_shape(candidate, columns, columns, "where false")
        else:
            stored = f"read_parquet({_text(previous_rows)})"
            before = _same_shape(stored, columns, _columns(connection, f"from {stored}"))
        connection.execute(f"create view previous.{source.name} as {before}")
        _add_seeds(connection, seeds)
    return _judge(judge, {}, [suite], {suite.name}, None)


def validate_release(
    build: Path, standing: Path | None, suites: Path, docs: Path | None, work: Path
) -> Verdict:
    """Judge core and marts of a finished build, next to the release that stands.

    `build` and `standing` are DuckDB files and are only read. With `docs`, write Data Docs into that folder;
    they load nothing from the network. Raise WarehouseError if a suite cannot be had, or if a mart or a fact
    of the build has none.
    """
    found = [suite for suite in read_suites(suites) if suite.schema in ("core", "marts")]
    if not found:
        raise WarehouseError(f"{suites}: no suite for core or marts. Restore the expectations folder")
    judge = _judge_file(work)
    attached = {"build": build} | ({"release": standing} if standing is not None else {})
    with closing(_open(judge, attached)) as connection:
        judged = _tables(connection, "build")
        stood = _tables(connection, "release") if standing is not None else {}
        for name, columns in judged.items():
            schema, table = name.split(".")
            connection.execute(f"create view {name} as select * from build.{name}")
            before = (
                _same_shape(f"release.{name}", columns, stood[name])
                if name in stood
                else _same_shape(f"build.{name}", columns, columns, "where false")
            )
            connection.execute(f"create view standing.{table} as {before}")
            if (schema == "marts" or table.startswith("fct_")) and name not in {s.name for s in found}:
                raise WarehouseError(
                    f"{name}: no suite judges it. Write {suites.name}/{name}.json before it is published"
                )
    return _judge(judge, attached, found, set(judged), docs)


def read_suites(folder: Path) -> tuple[Suite, ...]:
    """Read every suite file of a folder, in name order; raise WarehouseError if there is none."""
    files = sorted(folder.glob("*.json"))
    if not files:
        raise WarehouseError(f"{folder}: no suite file found. Restore the expectations folder")
    return tuple(read_suite(file) for file in files)


def read_suite(file: Path) -> Suite:
    """Read one suite file strictly; raise WarehouseError that names file, expectation and remedy."""
    if not file.is_file():
        raise WarehouseError(f"{file}: no such suite. Write it: each source, fact and mart has one")
    binding = file.name.removesuffix(".json").split(".")
    if len(binding) != 2 or binding[0] not in SCHEMAS:
        raise WarehouseError(
            f"{file}: binds to no table. Name it <schema>.<table>.json, schema one of {', '.join(SCHEMAS)}"
        )
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise WarehouseError(f"{file}: not JSON: {error}. Mend the file") from error
    if not isinstance(content, dict) or set(content) != {"expectations"} or not content["expectations"]:
        raise WarehouseError(f"{file}: must hold one list, `expectations`, that is not empty")
    expectations = tuple(
        _read_expectation(file, number, entry) for number, entry in enumerate(content["expectations"], 1)
    )
    names = [entry["meta"]["name"] for entry in expectations]
    for name in names:
        if names.count(name) > 1:
            raise WarehouseError(f"{file}: two expectations are named {name!r}. Name each by itself")
    return Suite(path=file, schema=binding[0], table=binding[1], expectations=expectations)


def build_suite(suite: Suite) -> Any:
    """Build the Great Expectations suite; raise WarehouseError that names the one which cannot be built.

    Great Expectations itself logs an invalid expectation, drops it, and goes on without it.
    """
    _quiet_great_expectations()
    from great_expectations.core.expectation_suite import ExpectationSuite
    from great_expectations.exceptions.exceptions import GreatExpectationsError
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    for entry in suite.expectations:
        try:
            ExpectationConfiguration(**entry).to_domain_obj()
        except (GreatExpectationsError, ValueError, TypeError, KeyError) as error:
            raise WarehouseError(
                f"{suite.path}: expectation {entry['meta']['name']!r} ({entry['type']}) is not valid: "
                f"{error}. Mend its type or its kwargs"
            ) from error
    built = ExpectationSuite(name=suite.name, expectations=[dict(entry) for entry in suite.expectations])
    if len(built.expectations) != len(suite.expectations):
        kept = {(expectation.meta or {}).get("name") for expectation in built.expectations}
        dropped = [e["meta"]["name"] for e in suite.expectations if e["meta"]["name"] not in kept]
        raise WarehouseError(
            f"{suite.path}: {len(suite.expectations)} expectations written, {len(built.expectations)} "
            f"loaded; dropped: {', '.join(dropped) or 'a duplicate'}. Mend them"
        )
    return built


def _read_expectation(file: Path, number: int, entry: Any) -> Mapping[str, Any]:
    """Check one entry's form, join a query's lines, and put name and reason where Data Docs show them."""
    if not isinstance(entry, dict) or set(entry) != {"type", "kwargs", "meta"}:
        raise WarehouseError(f"{file}: expectation {number} must have exactly type, kwargs and meta")
    meta = entry["meta"]
    for field in ("name", "why"):
        if not isinstance(meta, dict) or not str(meta.get(field) or "").strip():
            raise WarehouseError(
                f"{file}: expectation {number} ({entry['type']}) has no meta.{field}. Write it"
            )
    kwargs = dict(entry["kwargs"])
    if isinstance(kwargs.get(ROWS_QUERY), list):
        kwargs[ROWS_QUERY] = "\n".join(kwargs[ROWS_QUERY])
    told = f"{meta['name']}: {meta['why']}"
    return {"type": entry["type"], "kwargs": kwargs, "meta": meta, "description": told}


def _judge(
    judge: Path, attached: Mapping[str, Path], suites: Sequence[Suite], tables: set[str], docs: Path | None
) -> Verdict:
    """Run the suites in one read-only session of the judge database and gather the findings."""
    built = [(suite, build_suite(suite)) for suite in suites]
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = _no_progress_bars()
    sources: Any = context.data_sources  # its typed signature leaves out `kwargs`
    datasource = sources.add_sql(
        name="judge",
        connection_string=f"duckdb+judge:///{judge}",
        kwargs={"connect_args": {"read_only": True, "attached": {n: str(f) for n, f in attached.items()}}},
    )
    findings: list[Finding] = []
    try:
        for suite, expectations in built:
            if suite.name not in tables:
                findings.append(
                    Finding(
                        table=suite.name,
                        expectation=TABLE_EXISTS,
                        why=f"{suite.path.name} judges it, so readers count on it.",
                        success=False,
                        detail=f"there is no table {suite.name}",
                    )
                )
                continue
            asset = datasource.add_table_asset(name=suite.name, table_name=suite.table)
            batch = asset.add_batch_definition_whole_table("all rows")
            definition = gx.ValidationDefinition(
                name=suite.name, data=batch, suite=context.suites.add(expectations)
            )
            context.validation_definitions.add(definition)
            outcome = definition.run(
                result_format={"result_format": "COMPLETE", "partial_unexpected_count": SENTENCES_SHOWN}
            )
            findings.extend(_findings(suite, outcome.results))
        if docs is not None:
            _write_docs(context, docs, findings)
    finally:
        # Otherwise the session would keep its hold on the build, which is about to be renamed.
        datasource.get_execution_engine().close()
        datasource.get_engine().dispose()
    return verdict_on(findings)


def verdict_on(findings: Sequence[Finding]) -> Verdict:
    """Pass what met every expectation; what nothing was expected of was not judged, and does not pass."""
    return Verdict(success=bool(findings) and all(one.success for one in findings), findings=tuple(findings))


def _findings(suite: Suite, results: Sequence[Any]) -> list[Finding]:
    """Turn Great Expectations' results into findings, in the order of the file."""
    by_name = {result.expectation_config.meta["name"]: result for result in results}
    missing = [e["meta"]["name"] for e in suite.expectations if e["meta"]["name"] not in by_name]
    if missing or len(results) != len(suite.expectations):
        raise WarehouseError(
            f"{suite.path}: expectations without a result: {', '.join(missing) or 'unknown'}"
        )
    return [
        Finding(
            table=suite.name,
            expectation=entry["meta"]["name"],
            why=entry["meta"]["why"],
            success=bool(by_name[entry["meta"]["name"]].success),
            detail=_detail(by_name[entry["meta"]["name"]]),
        )
        for entry in suite.expectations
    ]


def _detail(result: Any) -> str:
    """Say what was found in words: sentences of a query, an exception, or values with their count."""
    raised = _exception(result.exception_info or {})
    if raised:
        return f"the expectation itself raised: {raised}"
    if result.success:
        return ""
    found = result.result
    rows = found.get("details", {}).get("unexpected_rows")
    if rows is not None:
        sentences = [_sentence(row) for row in rows[:SENTENCES_SHOWN]]
        more = int(found["observed_value"]) - len(sentences)
        return "; ".join(sentences) + (f"; and {more} more" if more > 0 else "")
    parts = []
    if found.get("details", {}).get("mismatched"):
        wrong = found["details"]["mismatched"]
        parts.append(
            ", ".join(
                f"column {w['Expected Column Position'] + 1} is {w['Found']!r}, agreed was {w['Expected']!r}"
                for w in wrong
            )
        )
    elif found.get("partial_unexpected_list"):
        parts.append(
            f"{found.get('unexpected_count')} of {found.get('element_count')} rows, "
            f"such as {found['partial_unexpected_list'][:5]!r}"
        )
    elif found.get("unexpected_count"):
        parts.append(f"{found['unexpected_count']} of {found.get('element_count')} rows")
    else:
        parts.append(f"found {found.get('observed_value')!r}")
    return "; ".join(parts)


def _sentence(row: Mapping[str, Any]) -> str:
    """Return a query row's `finding`, or spell the row column by column."""
    if "finding" in row:
        return str(row["finding"])
    return ", ".join(f"{name} {value!r}" for name, value in row.items())


def _exception(info: Mapping[str, Any]) -> str:
    """Return the first line of whatever was raised inside an expectation, or nothing.

    Great Expectations gives one such record, or a mapping of metric to record.
    """
    records = [info] if "raised_exception" in info else [r for r in info.values() if isinstance(r, dict)]
    for record in records:
        if record.get("raised_exception"):
            lines = [line for line in str(record.get("exception_message") or "").splitlines() if line.strip()]
            return " ".join(lines[:3]) or "an exception without a message"
    return ""


def _write_docs(context: Any, docs: Path, findings: Sequence[Finding]) -> None:
    """Write Great Expectations' pages into `docs`, in our own dress, under a front page of our own.

    As it makes them, the pages fetch styles, scripts and pictures from public hosts, its front page shows
    nothing without them, and an institute behind a firewall would see neither.
    """
    context.add_data_docs_site(
        "release",
        {
            "class_name": "SiteBuilder",
            "show_how_to_buttons": False,
            "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs)},
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder", "show_cta_footer": False},
        },
    )
    context.build_data_docs(site_names=["release"])
    shutil.rmtree(docs / "static")
    pages = {}
    for page in sorted(docs.rglob("*.html")):
        html = page.read_text(encoding="utf-8")
        if not html.rstrip().endswith(
            "</html>"
        ):  # Great Expectations logs what the disk refuses, and goes on
            raise WarehouseError(f"{page}: Data Docs were not written whole. Look at the disk's free space")
        for foreign in FOREIGN:
            html = foreign.sub("", html)
        page.write_text(html.replace("</head>", f"<style>{STYLE}</style></head>"), encoding="utf-8")
        if page.is_relative_to(docs / "validations"):
            pages[page.stem.removeprefix("judge-")] = page.relative_to(docs).as_posix()
    if set(pages) != {finding.table for finding in findings if finding.expectation != TABLE_EXISTS}:
        raise WarehouseError(
            f"{docs}: Data Docs hold pages for {', '.join(sorted(pages)) or 'no table'} only"
        )
    (docs / "index.html").write_text(_front_page(findings, pages), encoding="utf-8")


def _front_page(findings: Sequence[Finding], pages: Mapping[str, str]) -> str:
    """Spell the front page: each table, each expectation, why it stands, and what was found."""
    failed = sum(not finding.success for finding in findings)
    summary = f"{failed or 'All'} of {len(findings)} expectations are {'not met' if failed else 'met'}"
    body = []
    for table in dict.fromkeys(finding.table for finding in findings):
        name = escape(table)
        title = f'<a href="{escape(pages[table])}">{name}</a>' if table in pages else name
        body.append(f'<tr class="table"><th colspan="4" id="{name}">{title}</th></tr>')
        body.extend(
            f'<tr class="{"met" if f.success else "broken"}">'
            f'<td class="sign">{"✓" if f.success else "✗"}</td>'
            f"<td>{escape(f.expectation)}</td><td>{escape(f.why)}</td><td>{escape(f.detail)}</td></tr>"
            for f in findings
            if f.table == table
        )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="UTF-8"><title>Data Docs: would a reader '
        'believe it?</title><meta name="viewport" content="width=device-width, initial-scale=1.0">'
        f"<style>{STYLE}</style></head><body><main><h1>Would a reader believe this release?</h1>"
        f'<p class="{"broken" if failed else "met"} summary">{summary}.</p>'
        "<p>Great Expectations judged core and marts, next to the release that stood before, over every row."
        " A table&rsquo;s name leads to its page.</p>"
        "<table><thead><tr><th></th><th>Expectation</th><th>Why</th><th>Found</th></tr></thead><tbody>"
        + "\n".join(body)
        + "</tbody></table></main></body></html>\n"
    )


def _judge_file(work: Path) -> Path:
    """Return the path of a fresh judge database in the scratch folder."""
    work.mkdir(parents=True, exist_ok=True)
    judge = work / "judge.duckdb"
    judge.unlink(missing_ok=True)
    return judge


def _open(judge: Path, attached: Mapping[str, Path] | None = None) -> duckdb.DuckDBPyConnection:
    """Open the judge database for writing, with others attached read-only."""
    import duckdb

    connection = duckdb.connect(str(judge))
    for schema in (*SCHEMAS, "previous", "standing", "seeds"):
        connection.execute(f"create schema {schema}")
    for macro in JUDGE_MACROS:
        connection.execute(macro)
    for statement in _attach(attached or {}):
        connection.execute(statement)
    return connection


def _attach(attached: Mapping[str, Path]) -> list[str]:
    """Spell the statements that attach databases so that their other readers stay free."""
    return [f"attach if not exists {_text(file)} as {name} (read_only)" for name, file in attached.items()]


def _columns(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    """Return the columns of a relation and their types, in order."""
    return {row[0]: row[1] for row in connection.execute(f"describe {relation}").fetchall()}


def _tables(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, dict[str, str]]:
    """Return the core and marts tables of an attached database, with their columns and types."""
    tables: dict[str, dict[str, str]] = {}
    for schema, table, column, kind in connection.execute(
        """
        select schema_name, table_name, column_name, data_type
        from duckdb_columns()
        where database_name = ? and schema_name in ('core', 'marts')
        order by schema_name, table_name, column_index
        """,
        [database],
    ).fetchall():
        tables.setdefault(f"{schema}.{table}", {})[column] = kind
    return tables


def _same_shape(
    relation: str, columns: Mapping[str, str], present: Iterable[str], condition: str = ""
) -> str:
    """Select exactly `columns` from an older relation, null where it did not have them yet."""
    known = set(present)
    listed = ", ".join(
        f'"{name}"' if name in known else f'cast(null as {kind}) as "{name}"'
        for name, kind in columns.items()
    )
    return f"select {listed} from {relation} {condition}".strip()


def _add_seeds(connection: duckdb.DuckDBPyConnection, seeds: Path) -> None:
    """Show every seed file as a table of text: codes such as 076 and NA stay as written."""
    files = sorted(seeds.glob("*.csv"))
    if not files:
        raise WarehouseError(f"{seeds}: no seed file found. Codes cannot be judged without them")
    for file in files:
        connection.execute(
            f'create table seeds."{file.stem}" as select * from read_csv({_text(file)}, header = true, '
            "all_varchar = true, delim = ',', quote = '\"', escape = '\"')"
        )


def _text(value: object) -> str:
    """Spell a value as an SQL text literal."""
    return "'" + str(value).replace("'", "''") + "'"


@cache
def _judge_dialect() -> type[Any]:
    """Return the DuckDB dialect for a read-only session: no transactions, others attached.

    Great Expectations closes its connection before it fetches; the rollback on closing drops DuckDB's
    pending result, so that every answer would be empty. A reader has nothing to commit or roll back.
    """
    from duckdb_engine import Dialect

    class JudgeDialect(Dialect):
        supports_statement_cache = False

        def connect(self, *arguments: Any, **options: Any) -> Any:
            attached = options.pop("attached", {})
            connection = super().connect(*arguments, **options)
            # Great Expectations is told table names only: it drops the schema from some of its queries.
            for statement in (*_attach(attached), f"set search_path = 'main,{','.join(SCHEMAS)}'"):
                connection.execute(statement)
            return connection

        def do_begin(self, connection: Any) -> None:
            """Begin nothing: a reader has no transaction."""

        def do_commit(self, connection: Any) -> None:
            """Commit nothing: a reader has no transaction."""

        def do_rollback(self, connection: Any) -> None:
            """Roll nothing back: it would drop the pending result."""

    return JudgeDialect


@cache
def _quiet_great_expectations() -> None:
    """Import Great Expectations without analytics, progress bars or chatter, and register the dialect."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read once, when it is imported
    import great_expectations  # noqa: F401
    from sqlalchemy.dialects import registry

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    registry.impls["duckdb.judge"] = _judge_dialect


def _no_progress_bars() -> Any:
    """Return the setting that keeps progress bars off: the task log is not a terminal."""
    from great_expectations.data_context.types.base import ProgressBarsConfig

    return ProgressBarsConfig(globally=False, metric_calculations=False)

"""Rules of the source tree: import layers, one module for each heavy dependency, sizes, names.

Each test enumerates real files, and asserts first that it found some.
"""

from __future__ import annotations

import ast
import csv
import os
import re
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from warehouse.config import DBT_PROJECT_DIR, EXPECTATIONS_DIR, KEY_VARIABLE, PROJECT_ROOT, SAMPLE_DIR
from warehouse.sources import SOURCES

PACKAGE = PROJECT_ROOT / "warehouse"
# Packages from the bottom up: a module imports only from its own package and from the packages before it.
LAYERS = (
    ("arrow", "errors", "database", "masking"),
    ("config", "files", "model", "verdict"),
    ("logs",),
    ("formats",),
    ("sources",),
    ("fetch",),
    ("quality",),
    ("landing",),
    ("releases",),
    ("site", "publication"),
    ("build",),
    ("backfill",),
    ("backup",),
    ("objects",),
    ("alerts", "maintenance"),
    ("metrics",),
    ("cli",),
    ("__main__",),
)
ONLY_IMPORTERS = {
    "airflow": {"dags"},
    "boto3": {"warehouse/objects/store.py"},
    "botocore": {"warehouse/objects/store.py"},
    "requests": {"warehouse/fetch/"},
    "great_expectations": {"warehouse/quality/gx.py"},
    "sqlalchemy": {"warehouse/quality/gx.py"},
    "dbt": {"warehouse/build/dbt_process.py", "warehouse/build/spark_job.py"},
    "pandas": {"warehouse/formats/stata.py"},
    "psycopg2": {"warehouse/publication/postgres.py"},
    "pyspark": {"warehouse/build/spark_job.py"},
    "py7zr": {"warehouse/formats/archive.py"},
    "pyarrow": {"warehouse/arrow.py"},
    "python_calamine": {"warehouse/formats/xlsx.py"},
}
MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 60


def modules() -> list[Path]:
    found = sorted(path for path in PACKAGE.rglob("*.py") if "sample" not in path.parts)
    assert len(found) > 15
    return found


def package(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {node.module or ""}
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_imports_point_downwards() -> None:
    level = {name: number for number, names in enumerate(LAYERS) for name in names}
    for path in modules():
        own = package(path)
        if own == "__init__":
            continue
        for name in imported(path):
            parts = name.split(".")
            if parts[0] != "warehouse" or len(parts) < 2 or parts[1] in (own, "__version__", "UMASK"):
                continue
            assert level[parts[1]] < level[own], f"{path.relative_to(PROJECT_ROOT)} imports {name}"


def test_only_the_command_line_and_the_dags_read_the_environment() -> None:
    for path in modules():
        if package(path) in {"config", "cli"}:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        reads = [
            node.lineno
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and ast.unparse(node.func)
            in {"os.getenv", "os.environ.get", "load_settings", "read_settings", "config.load_settings"}
        ]
        assert not reads, f"{path.relative_to(PROJECT_ROOT)}, lines {reads}: take the value as an argument"


def test_modules_and_functions_are_short() -> None:
    for path in [*modules(), *sorted((PROJECT_ROOT / "dags").glob("*.py"))]:
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") <= MOST_LINES, f"{path.relative_to(PROJECT_ROOT)} is too long: divide it"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                assert lines <= MOST_LINES_OF_A_FUNCTION, f"{path.name}: {node.name} has {lines} lines"


@pytest.mark.parametrize("dependency", sorted(ONLY_IMPORTERS))
def test_each_heavy_dependency_is_imported_only_by_its_modules(dependency: str) -> None:
    importers = ONLY_IMPORTERS[dependency]
    users = {
        str(path.relative_to(PROJECT_ROOT))
        for path in [*modules(), *sorted((PROJECT_ROOT / "dags").glob("*.py"))]
        if any(name.split(".")[0] == dependency for name in imported(path))
    }
    if dependency != "dbt":  # dbt runs in a separate process
        assert users, f"no module imports {dependency}: remove it from ONLY_IMPORTERS"
    outside = {user for user in users if not any(user.startswith(importer) for importer in importers)}
    assert not outside


def test_steps_import_packages_of_one_source_or_of_the_gates_late() -> None:
    loaded = "import sys, warehouse.build.steps; print(*sys.modules)"
    command = [sys.executable, "-c", loaded]
    names = subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=PROJECT_ROOT
    ).stdout.split()
    assert "warehouse.formats.archive" in names
    late = {"boto3", "pandas", "py7zr", "great_expectations", "sqlalchemy", "dbt", "airflow"}
    assert late.intersection(names) == set()


def test_poll_of_a_source_imports_no_package_for_tables(tmp_path: Path) -> None:
    """Most polls bring nothing new. The World Bank's plan reads its pages to know how many there are."""
    poll = (
        "import sys; from pathlib import Path; from warehouse.build import steps\n"
        "from warehouse.config import load_settings\n"
        f"settings = load_settings(home=Path({str(tmp_path)!r}))\n"
        "for name in ('worldbank_wdi', 'safe_bop'): print(steps.fetch(settings, name))\n"
        "print(*sys.modules)"
    )
    *fetched, names = subprocess.run(
        [sys.executable, "-c", poll],
        check=True,
        capture_output=True,
        text=True,
        cwd=PROJECT_ROOT,
        env=os.environ | {"WAREHOUSE_MIRROR": str(SAMPLE_DIR / "night-2")},
    ).stdout.splitlines()
    assert [len(list(Path(one, "files").iterdir())) for one in fetched] == [23, 3]  # with a list of them
    assert {"pandas", "numpy", "pyarrow", "great_expectations"}.intersection(names.split()) == set()


def test_names_that_are_imported_within_functions_exist() -> None:
    """An import in a function fails when the function runs, which for a task of Airflow is at night."""
    late = {
        (path, node.module, alias.name)
        for path in [
            *modules(),
            *(one for name in ("dags", "docker") for one in (PROJECT_ROOT / name).glob("*.py")),
        ]
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "warehouse"
        for alias in node.names
    }
    assert len(late) > 20
    for path, module, name in sorted(late):
        found = import_module(module or "")
        is_module = hasattr(found, "__path__") and find_spec(f"{module}.{name}")
        assert hasattr(found, name) or is_module, f"{path}: {module} has no {name}"


def test_no_module_has_a_catch_all_name() -> None:
    for path in modules():
        assert path.stem not in {"utils", "util", "helpers", "common", "base", "misc", "context"}


def test_every_module_has_a_docstring() -> None:
    for path in modules():
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        assert text and len(text) > 40, f"{path}: write what the module does"


@pytest.mark.each_source
def test_every_source_has_module_staging_model_suite_and_fixtures() -> None:
    assert SOURCES
    for name in SOURCES:
        for path in (
            PACKAGE / "sources" / f"{name}.py",
            DBT_PROJECT_DIR / "models" / "staging" / f"stg_{name}.sql",
            EXPECTATIONS_DIR / f"raw.{name}.yml",
            PROJECT_ROOT / "tests" / "fixtures" / name,
        ):
            assert path.exists(), f"{name}: {path.relative_to(PROJECT_ROOT)} is missing"


@pytest.mark.each_source
def test_every_source_is_in_a_seed() -> None:
    seeds = "\n".join(path.read_text() for path in (DBT_PROJECT_DIR / "seeds").rglob("*.csv"))
    assert SOURCES
    for name in SOURCES:
        assert re.search(rf"^{name},", seeds, re.MULTILINE), f"no seed has a row of {name}"


@pytest.mark.each_source
def test_every_source_is_described_and_tested() -> None:
    staging = DBT_PROJECT_DIR / "models" / "staging"
    tests = "\n".join(path.read_text() for path in sorted(Path(__file__).parent.rglob("test_*.py")))
    missing = []
    for name in SOURCES:
        path = staging / f"stg_{name}.yml"
        described = path.read_text() if path.exists() else ""
        required = {
            f"the raw table {name} in {path.name}": re.search(
                rf"^      - name: {name}$", described, re.MULTILINE
            ),
            f"the model in {path.name}": re.search(rf"^  - name: stg_{name}$", described, re.MULTILINE),
            f"a unit test in {path.name}": "\nunit_tests:\n" in described,
            f"a test that names {name}": name in tests,
        }
        missing += [item for item, found in required.items() if not found]
    assert SOURCES and not missing, f"missing: {'; '.join(missing)}"


@pytest.mark.each_source
def test_variable_of_each_key_is_where_an_operator_sets_it() -> None:
    variables = {source.key_variable for source in SOURCES.values() if source.key_variable}
    assert len(variables) >= 2
    for name in variables:
        for file, line in (
            (".env.example", f"{name}="),
            ("docker-compose.yml", f"  {name}: ${{{name}:-}}"),
            ("OPERATIONS.md", f"| `{name}` | none | "),
        ):
            lines = (PROJECT_ROOT / file).read_text(encoding="utf-8").splitlines()
            assert any(one.startswith(line) for one in lines), f"{file} has no line {line}"
        assert KEY_VARIABLE.fullmatch(name), f"{name}: the settings read WAREHOUSE_<name>_KEY"


@pytest.mark.each_source
def test_every_staging_model_and_suite_has_a_source() -> None:
    models = sorted((DBT_PROJECT_DIR / "models" / "staging").glob("stg_*.sql"))
    suites = sorted(EXPECTATIONS_DIR.glob("raw.*.yml"))
    assert models and suites
    assert {path.stem.removeprefix("stg_") for path in models} == set(SOURCES)
    assert {path.stem.removeprefix("raw.") for path in suites} == set(SOURCES)


def sql_files() -> list[Path]:
    found = sorted(
        path for folder in ("models", "macros", "tests") for path in (DBT_PROJECT_DIR / folder).rglob("*.sql")
    )
    assert len(found) > 10
    return found


def test_no_year_date_or_edition_in_a_name() -> None:
    for path in [*sql_files(), *modules(), *sorted(EXPECTATIONS_DIR.glob("*.yml"))]:
        assert not re.search(r"(19|20)\d\d", path.name), f"{path.name}: time is a column, never a name"
    for path in (DBT_PROJECT_DIR / "models").rglob("*.yml"):
        for name in re.findall(r"^\s*- name:\s*(\S+)", path.read_text(), re.MULTILINE):
            assert not re.search(r"(19|20)\d\d", name), f"{path.name}: column {name}"


def test_sql_casts_strictly_and_portably() -> None:
    for path in sql_files():
        code = re.sub(r"--[^\n]*|\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)
        code = re.sub(r"'(?:[^']|'')*'", "''", code)
        assert "::" not in code, f"{path.name}: write cast(x as type)"
        # try_cast makes a null of what is no number: a damaged cell would be lost without an error.
        assert not re.search(r"\btry_cast\b", code, re.IGNORECASE), f"{path.name}: cast, never try_cast"
        assert not re.search(
            r"\b(current_date|now\(|today\(|get_current_|current_timestamp|localtimestamp|current_time)",
            code,
            re.IGNORECASE,
        ), f"{path.name}: a release is a function of the landing, not of the clock"


def test_sql_has_no_function_that_spark_reads_in_another_way() -> None:
    """See dbt_project/macros/dialect.sql, which alone may have them."""
    differing = {
        "null when an argument is null": r"(?<!\w)concat\(",
        "other order of arguments": r"(?<!\w)[lr]?trim\([^()]*(\([^()]*\)[^()]*)*, *'",
        "no order by among the arguments": r"string_agg\(.* order by|string_agg\($",
        "other name": r"regexp_matches\(",
        "backslash is an escape": r"escape '\\\\'",
        "no length": r"as varchar\b",
    }
    for path in sql_files():
        if path.name in ("dialect.sql", "materializations.sql", "reuse.sql"):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for reason, pattern in differing.items():
                assert not re.search(pattern, line), f"{path.name}, line {number}: {reason} on Spark"


def test_no_model_is_configured_for_what_materializations_leave_out() -> None:
    """See dbt_project/macros/materializations.sql: on DuckDB these settings of dbt would have no effect."""
    left_out = re.compile(
        r"\b(pre_hook|post_hook|pre-hook|post-hook|grants|indexes|sql_header|store_failures)\b"
    )
    files = [path for path in (PROJECT_ROOT / "dbt_project").rglob("*") if path.suffix in (".sql", ".yml")]
    assert len(files) > 200
    for path in files:
        if path.name != "materializations.sql":
            assert not left_out.search(path.read_text(encoding="utf-8")), path.name


def test_readers_never_make_a_float() -> None:
    readers = [*sorted((PACKAGE / "sources").glob("*.py")), *sorted((PACKAGE / "formats").glob("*.py"))]
    assert len(readers) > 6
    for path in readers:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id != "float", (
                    f"{path.name}:{node.lineno}: a published digit through a float"
                )


def test_bulk_rows_are_not_read_singly() -> None:
    readers = [*sorted((PACKAGE / "sources").glob("*.py")), *sorted((PACKAGE / "formats").glob("*.py"))]
    assert len(readers) > 6
    for path in readers:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\b(to_pylist|to_pydict|from_pylist|DictReader)\b", text), (
            f"{path.name}: rows go through Arrow, never singly through Python"
        )


def test_sources_are_values_and_no_class_inherits_from_another() -> None:
    ours = {"Source", "Request", "Vintage", "Fetched"}
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                bases = {ast.unparse(base).split(".")[-1] for base in node.bases}
                assert not bases & ours, (
                    f"{path.name}:{node.lineno}: class {node.name} inherits {bases & ours}"
                )


def test_every_fact_seed_has_a_source_url() -> None:
    seeds = sorted((DBT_PROJECT_DIR / "seeds").glob("*.csv"))
    assert len(seeds) > 8
    for path in seeds:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert rows, f"{path.name} is empty"
        for row in rows:
            assert row.get("source_url", "").startswith(("https://", "http://")), f"{path.name}: {row}"


def test_codes_are_never_mapped_by_a_bare_else() -> None:
    models = [*sorted((DBT_PROJECT_DIR / "models").rglob("*.sql")), DBT_PROJECT_DIR / "macros" / "codes.sql"]
    assert len(models) > 10
    for path in models:
        code = re.sub(r"--[^\n]*|\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)
        assert not re.search(r"\belse\s+('|cast\()", code, re.IGNORECASE), f"{path.name}: a bare else"


def test_no_exception_is_swallowed() -> None:
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ExceptHandler):
                assert not all(isinstance(statement, ast.Pass) for statement in node.body), (
                    f"{path}:{node.lineno}"
                )
                assert node.type is not None, f"{path}:{node.lineno}: a bare except"


def test_tree_contains_no_registry_machine_path_or_secret() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    names = [name for name in listed if name and (PROJECT_ROOT / name).is_file()]
    assert len(names) > 40
    forbidden = re.compile(
        r"pyp[i]\.org|python[h]osted|npm[j]s\.org|deb\.debia[n]|/hom[e]/\w+/|/roo[t]/|/wor[k]/main"
    )
    for name in names:
        if name.endswith((".md", ".py", ".sql", ".yml", ".yaml", ".toml", ".lock", ".json", ".csv", ".txt")):
            text = (PROJECT_ROOT / name).read_text(encoding="utf-8-sig", errors="replace")
            assert not forbidden.search(text), f"{name}: {forbidden.search(text)}"

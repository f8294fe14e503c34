"""A dbt adapter for Apache Spark in ANSI mode: dbt-spark's session method, strict about values.

dbt-spark switches `spark.sql.ansi.enabled` off on every statement. Then a text that is no number, a date
that does not exist and a decimal that is too large become null, where DuckDB fails. This adapter keeps ANSI
mode on, so that both engines reject the same values. It also runs dbt Python models in the session, and
writes seeds as typed rows: dbt-spark puts their texts between quotes without escaping them.

dbt finds it as adapter type `strictspark` when `spark_adapter/` is on the path of modules. Macros of
dbt-spark (`spark__…`) are used where `include/strictspark` has none of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbt.adapters.base import AdapterPlugin, PythonJobHelper, available
from dbt.adapters.spark.connections import SparkConnectionManager, SparkCredentials
from dbt.adapters.spark.impl import SparkAdapter

if TYPE_CHECKING:
    import agate

# What no statement runs without: values that cannot be parsed and decimals that do not fit are errors, and a
# product of decimals keeps its scale.
STRICT = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
}


@dataclass
class StrictSparkCredentials(SparkCredentials):
    """Credentials of dbt-spark whose statements all run with the settings in STRICT."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.server_side_parameters |= STRICT

    @property
    def type(self) -> str:
        """Return the adapter type, as profiles.yml names it."""
        return "strictspark"


class StrictSparkConnectionManager(SparkConnectionManager):
    """Connections of dbt-spark under the name of this adapter."""

    TYPE = "strictspark"


class SessionPythonJob(PythonJobHelper):
    """Runs a dbt Python model in this process, on its Spark session."""

    def __init__(self, parsed_model: dict[str, Any], credential: SparkCredentials) -> None:
        self.name = parsed_model["name"]

    def submit(self, compiled_code: str) -> None:
        """Run the compiled model, which writes its own table."""
        from pyspark.sql import SparkSession

        code = compile(compiled_code, f"<model {self.name}>", "exec")
        exec(code, {"__name__": self.name, "spark": SparkSession.builder.getOrCreate()})  # noqa: S102


class StrictSparkAdapter(SparkAdapter):
    """The adapter of dbt-spark with strict connections, Python models and seeds of typed rows."""

    ConnectionManager = StrictSparkConnectionManager

    @property
    def default_python_submission_method(self) -> str:
        """Return the name of the only way to run a Python model."""
        return "session"

    @property
    def python_submission_helpers(self) -> dict[str, type[PythonJobHelper]]:
        """Return the ways to run a Python model, by name."""
        return {"session": SessionPythonJob}

    @available
    def write_seed(self, relation: str, table: agate.Table, types: dict[str, str]) -> str:
        """Create the table of a seed; `types` are the types of its columns. An empty cell is null."""
        from pyspark.sql import SparkSession

        texts = [[None if cell is None else str(cell) for cell in row] for row in table.rows]
        names = [f"`{name}`" for name in table.column_names]
        rows = SparkSession.builder.getOrCreate().createDataFrame(
            texts, ", ".join(f"{name} string" for name in names)
        )
        casts = [
            f"cast({quoted} as {types[name]}) as {quoted}"
            for name, quoted in zip(table.column_names, names, strict=True)
        ]
        rows.selectExpr(*casts).coalesce(1).write.mode("overwrite").format("parquet").saveAsTable(relation)
        return f"-- {len(texts)} rows of {relation} are written by the adapter"


Plugin = AdapterPlugin(
    adapter=StrictSparkAdapter,
    credentials=StrictSparkCredentials,
    include_path=str(Path(__file__).parents[2] / "include" / "strictspark"),  # dbt names the package after it
    dependencies=["spark"],
)

"""Data360's digitally deliverable services: the recorded file, and bad rows."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import spoiled
from conftest import ingest, settings_of

from warehouse.config import SAMPLE_DIR
from warehouse.errors import SourceError
from warehouse.files import sha256_of
from warehouse.landing import store
from warehouse.model import raw_schema
from warehouse.sources import data360_digital
from warehouse.sources.data360_digital import (
    FILE,
    FIXED_VALUES,
    HEADER,
    IGNORED_INDICATORS,
    INDICATORS,
    LOADED,
)

SOURCE = data360_digital.SOURCE
SAMPLE = SAMPLE_DIR / "night-2" / "data360files.worldbank.org" / "data360-data" / "data" / "UNCTAD_DE" / FILE
ROWS = (Path(__file__).parents[1] / "fixtures" / SOURCE.name / "rows.csv").read_bytes()


def read(path: Path, work: Path) -> list[dict[str, object]]:
    batches = list(SOURCE.read({FILE: path}, work))
    assert all(batch.schema == raw_schema(SOURCE.columns) for batch in batches)
    return pa.Table.from_batches(batches).to_pylist()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    return read(SAMPLE, tmp_path_factory.mktemp("whole"))


def test_two_indicators_are_read_and_the_others_are_declared_ignored(whole: list[dict[str, object]]) -> None:
    with SAMPLE.open(encoding="utf-8", newline="") as handle:
        sent = list(csv.DictReader(handle))
    assert tuple(sent[0]) == HEADER
    assert len(sent) == 8156  # wc -l, minus the header
    expected = [(row, line) for row, line in enumerate(sent, start=2) if "SERVTRADE" in line["INDICATOR"]]
    assert len(expected) == 2842 + 2879 == len(whole)
    assert [row["_row"] for row in whole] == [row for row, _ in expected]
    for column, name in LOADED.items():
        assert [row[name] or "" for row in whole] == [line[column] for _, line in expected], column
    assert {line["INDICATOR"] for line in sent} == {*INDICATORS, *IGNORED_INDICATORS}
    assert len(IGNORED_INDICATORS) == 12


def test_figures_are_the_text_of_the_publisher(whole: list[dict[str, object]]) -> None:
    # grep ',CHN,.*SERVTRADE.*,2020,' UNCTAD_DE.csv; the same for WLD
    found = {
        (str(row["indicator"])[-3:], row["ref_area"]): (row["obs_value"], row["_row"])
        for row in whole
        if row["time_period"] == "2020"
    }
    assert found["EXP", "CHN"] == ("151509.0", 572)
    assert found["IMP", "CHN"] == ("134792.0", 3414)
    assert found["EXP", "WLD"][0] == "3324128.0"
    assert found["IMP", "WLD"][0] == "2973808.0"
    assert {row["unit_mult"] for row in whole} == {"6"}


def test_missing_values_stay_rows_with_status(whole: list[dict[str, object]]) -> None:
    missing = [row for row in whole if row["obs_value"] is None]
    assert len(missing) == 465  # grep -c ',O,Missing value,'
    assert {(row["obs_status"], row["obs_status_label"]) for row in missing} == {("O", "Missing value")}
    assert {row["obs_status"] for row in whole if row["obs_value"] is not None} == {"A"}


def test_groups_namibia_and_commas_are_kept(whole: list[dict[str, object]]) -> None:
    labels = {row["ref_area"]: row["ref_area_label"] for row in whole}
    assert labels["BHS"] == "Bahamas, The"
    assert labels["NAM"] == "Namibia"
    assert {"WLD", "SSF", "XKX"} < set(labels)


@pytest.mark.parametrize(
    ("sent", "meant", "reason"),
    [
        (b",_T,Total,_T,", b",F,Female,_T,", "not '_T' in column SEX: 'F'"),
        (b"_T,Total,USD", b"_U,Urban,USD", "not '_T' in column URBANISATION: '_U'"),
        (b"US dollars,_Z,", b"US dollars,SF,", "not '_Z' in column COMP_BREAKDOWN_1: 'SF'"),
        (b",I,A,Annual", b",I,Q,Quarterly", "not 'A' in column FREQ: 'Q'"),
        (b",I,A,", b",D,A,", "not 'I' in column ACTION: 'D'"),
        (b",SUM,Sum,", b",MEAN,Mean,", "not 'SUM' in column AGG_METHOD: 'MEAN'"),
        (b"DS_DATA360(1.2)", b"DS_OTHER(1.2)", "an unknown structure in column STRUCTURE_ID"),
        (b",1835732.0,", b",n/a,", "not a plain decimal number in column OBS_VALUE: 'n/a'"),
        (b",1835732.0,", b",1.8e,", "not a plain decimal number in column OBS_VALUE: '1.8e'"),
        (b",2010,1835732.0", b",2010-Q1,1835732.0", "not a year of four digits in column TIME_PERIOD"),
        (b",WLD,World,", b",,World,", "a value is missing in column REF_AREA"),
        (b",6,Millions,", b",,Millions,", "a value is missing in column UNIT_MULT"),
        (b",UNIT_MULT,", b",SCALE,", "missing 'UNIT_MULT'; not known 'SCALE'"),
        (b",PU,Public\n", b",PU,Public,\n", "has 40 values, expected 39"),
    ],
)
def test_unexpected_content_is_rejected(sent: bytes, meant: bytes, reason: str, tmp_path: Path) -> None:
    assert sent in ROWS
    (tmp_path / FILE).write_bytes(ROWS.replace(sent, meant, 1))
    with pytest.raises(SourceError) as caught:
        read(tmp_path / FILE, tmp_path)
    assert reason in str(caught.value)
    assert caught.value.row in (1, 2)


def changed(tmp_path: Path, change: Callable[[list[list[str]]], object]) -> tuple[Path, list[str]]:
    """Write the fixture's rows with a change of its cells; return the file and its header."""
    rows = list(csv.reader(io.StringIO(ROWS.decode())))
    change(rows)
    with (tmp_path / FILE).open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle, lineterminator="\n").writerows(rows)
    return tmp_path / FILE, rows[0]


def read_with_notes(path: Path, work: Path) -> tuple[list[dict[str, object]], list[str]]:
    notes: list[str] = []
    batches = SOURCE.read({FILE: path}, work, lambda file, detail, **_: notes.append(detail))
    return pa.Table.from_batches(list(batches)).to_pylist(), notes


def test_further_column_is_drift(tmp_path: Path) -> None:
    def change(rows: list[list[str]]) -> None:
        rows[0].append("COMMENT_OBS_LABEL")
        for row in rows[1:]:
            row.append("")

    (tmp_path / "sent").write_bytes(ROWS)
    path, _ = changed(tmp_path, change)
    found, notes = read_with_notes(path, tmp_path)
    assert found == read(tmp_path / "sent", tmp_path)
    assert notes == ["further column 'COMMENT_OBS_LABEL'"]


def test_further_indicator_is_drift_and_a_missing_one_is_rejected(tmp_path: Path) -> None:
    def change(rows: list[list[str]]) -> None:
        rows.append([*rows[1]])
        rows[-1][rows[0].index("INDICATOR")] = "UNCTAD_DE_DIG_SERVTRADE_QTR_EXP"

    (tmp_path / "sent").write_bytes(ROWS)
    path, _ = changed(tmp_path, change)
    found, notes = read_with_notes(path, tmp_path)
    assert found == read(tmp_path / "sent", tmp_path)
    assert notes == ["further indicator 'UNCTAD_DE_DIG_SERVTRADE_QTR_EXP'"]
    path.write_bytes(ROWS.replace(INDICATORS[0].encode(), b"UNCTAD_DE_DIG_X"))
    with pytest.raises(SourceError, match="no row has the indicator UNCTAD_DE_DIG_SERVTRADE_ANN_EXP"):
        read(path, tmp_path)


def test_further_indicator_is_no_reason_to_reject(tmp_path: Path) -> None:
    """The dataset has many indicators: one that is not read is further content, at both gates."""
    rows = tmp_path / "rows.parquet"
    batches = list(SOURCE.read({FILE: SAMPLE}, tmp_path))
    pq.write_table(pa.Table.from_batches(batches, schema=raw_schema(SOURCE.columns)), rows)
    change = (
        "update rows set indicator = 'UNCTAD_DE_DIG_SERVTRADE_QTR_EXP' "
        f"where ref_area = 'BRA' and indicator = '{INDICATORS[0]}'"
    )
    assert spoiled.failures(SOURCE, rows, tmp_path, change) == {}


def test_dimension_that_the_file_no_longer_has_is_drift(tmp_path: Path) -> None:
    def change(rows: list[list[str]]) -> None:
        index = rows[0].index("SEX")
        for row in rows:
            del row[index]

    (tmp_path / "sent").write_bytes(ROWS)
    path, header = changed(tmp_path, change)
    assert "SEX" not in header
    found, notes = read_with_notes(path, tmp_path)
    assert found == read(tmp_path / "sent", tmp_path)
    assert notes == ["no column 'SEX'"]


def test_estimate_and_number_with_an_exponent_are_read_as_sent(tmp_path: Path) -> None:
    assert ROWS.count(b",1835732.0,") == 1

    def change(rows: list[list[str]]) -> None:
        values = {"OBS_VALUE": "1.835732E+6", "OBS_STATUS": "E", "OBS_STATUS_LABEL": "Estimated value"}
        for name, value in values.items():
            rows[1][rows[0].index(name)] = value

    path, _ = changed(tmp_path, change)
    first = read(path, tmp_path)[0]
    assert [first[name] for name in ("obs_value", "obs_status", "obs_status_label")] == [
        "1.835732E+6",
        "E",
        "Estimated value",
    ]


def test_table_with_estimates_and_flags_is_landed(tmp_path: Path) -> None:
    """The newest year of the recorded file with SDMX's status E, and a status that no list has."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    with SAMPLE.open(encoding="utf-8", newline="") as handle:
        sent = list(csv.DictReader(handle))
    newest = [row for row in sent if row["INDICATOR"] in INDICATORS and row["TIME_PERIOD"] == "2023"]
    estimated = [row for row in newest if row["OBS_STATUS"] == "A"]
    for row in estimated:
        row |= {"OBS_STATUS": "E", "OBS_STATUS_LABEL": "Estimated value"}
    [flagged] = [
        row
        for row in sent
        if (row["REF_AREA"], row["TIME_PERIOD"], row["INDICATOR"]) == ("CHN", "2022", INDICATORS[0])
    ]
    flagged |= {"OBS_STATUS": "X9", "OBS_STATUS_LABEL": ""}
    with (folder / FILE).open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, HEADER, lineterminator="\n")
        writer.writeheader()
        writer.writerows(sent)
    recorded = json.loads((SAMPLE_DIR / "night-2" / "index.json").read_text())
    [entry] = [one for one in recorded["answers"] if one["address"].endswith(FILE)]
    entry |= {"file": FILE, "sha256": sha256_of(folder / FILE), "retrieved_at": "2026-11-01T00:00:00Z"}
    (folder / "index.json").write_text(json.dumps(recorded | {"answers": [entry]}))
    home = tmp_path / "home"
    ingest(settings_of(home, SAMPLE_DIR / "night-2"), SOURCE.name)
    assert ingest(settings_of(home, folder), SOURCE.name) == "2026-11-01"
    vintage = store.vintages(home / "landing", SOURCE.name)[-1]
    statuses = Counter(pq.read_table(vintage.rows_path).column("obs_status").to_pylist())
    assert len(estimated) > 200
    assert (statuses["E"], statuses["X9"], statuses["O"]) == (len(estimated), 1, 465)


def test_every_column_of_the_file_is_declared() -> None:
    """Each column is kept, expected constant, a label of such a column or of the unit, or structural."""
    labels = {f"{name}_LABEL" for name in (*FIXED_VALUES, "UNIT_MEASURE", "UNIT_MULT")}
    assert len(HEADER) == len(set(HEADER)) == 39
    assert set(HEADER) - set(LOADED) - set(FIXED_VALUES) - labels == {"STRUCTURE_ID"}


def test_plan_requests_one_file_and_reader_rejects_others(tmp_path: Path) -> None:
    [request] = list(SOURCE.plan())
    assert request.address == ("https://data360files.worldbank.org/data360-data/data/UNCTAD_DE/UNCTAD_DE.csv")
    with pytest.raises(SourceError, match="expected the one file"):
        list(SOURCE.read({"other.csv": SAMPLE}, tmp_path))

"""Reading suite files: what is rejected, and that the error names file, expectation and fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from toys import FINE, HAS_ROWS, query, seeds, suite, validate_toy

from warehouse.errors import WarehouseError
from warehouse.quality import read_suite, read_suites


def test_suite_is_read_in_the_order_of_its_file(tmp_path: Path) -> None:
    read = read_suite(suite(tmp_path, "raw.toy", FINE, HAS_ROWS))
    assert read.name == "raw.toy"
    assert [expectation.name for expectation in read.expectations] == ["fine", "there are rows"]
    assert read.expectations[0].configuration() == {
        "type": "unexpected_rows_expectation",
        "kwargs": {"unexpected_rows_query": FINE["query"]},
        "meta": {"name": "fine", "why": FINE["why"]},
    }
    assert read.expectations[1].configuration()["kwargs"] == {"min_value": 1}


@pytest.mark.parametrize(
    ("expectation", "fault"),
    [
        (
            {**HAS_ROWS, "type": "expect_table_row_cuont_to_be_between"},
            "expect_table_row_cuont_to_be_between",
        ),
        ({**HAS_ROWS, "kwargs": {"min_valu": 1}}, "there are rows"),
        ({key: HAS_ROWS[key] for key in ("name", "type", "kwargs")}, "there are rows.*: why: Field required"),
        ({key: HAS_ROWS[key] for key in ("why", "type", "kwargs")}, "without a name.*: name: Field required"),
        ({**HAS_ROWS, "severty": "info"}, "severty: Extra inputs are not permitted"),
        ({**HAS_ROWS, "query": "select 1"}, "exactly name, why and query, or name, why, type and kwargs"),
        ({**HAS_ROWS, "by_source": True}, "exactly name, why and query"),
        ({**HAS_ROWS, "reads_sources": {"core.fct_toy": ["one"]}}, "exactly name, why and query"),
        ({**HAS_ROWS, "why": " "}, "why: String should match"),
        ({**HAS_ROWS, "name": True}, "name: Input should be a valid string"),
        (query("empty", " "), "empty.*query: String should match"),
        ({"name": "none", "why": "To test."}, "exactly name, why and query"),
        ("there are rows", "expectation 2"),
    ],
)
def test_typo_is_rejected_with_its_name(expectation: Any, fault: str, tmp_path: Path) -> None:
    """Great Expectations would log the first two, drop them and pass."""
    with pytest.raises(WarehouseError, match=fault) as caught:
        seeds(tmp_path / "seeds")
        validate_toy(tmp_path, FINE, expectation)
    assert "raw.toy.yml" in str(caught.value)


def test_two_expectations_of_the_same_name_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="two expectations are named 'there are rows'"):
        read_suite(suite(tmp_path, "raw.toy", HAS_ROWS, HAS_ROWS))


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("{", "not valid YAML"),
        ("expectations: []", "not empty"),
        ("expectation: [1]", "exactly one list"),
        ("expectations: {name: fine}", "exactly one list"),
        ("", "exactly one list"),
        (f"expectations: [{yaml.safe_dump(FINE, default_flow_style=True)}]\nrest: 1", "exactly one list"),
        ("expectations: [!!python/object/apply:os.getpid []]", "not valid YAML"),
        (
            "expectations:\n- name: fine\n  why: first\n  why: second\n  query: select 1",
            "key 'why' is written",
        ),
    ],
)
def test_suite_file_of_another_form_is_rejected(content: str, fault: str, tmp_path: Path) -> None:
    (tmp_path / "raw.toy.yml").write_text(content, encoding="utf-8")
    with pytest.raises(WarehouseError, match=fault) as caught:
        read_suite(tmp_path / "raw.toy.yml")
    assert "raw.toy.yml" in str(caught.value)


@pytest.mark.parametrize("name", ["mart.toy", "toy", "raw.toy.old"])
def test_suite_without_a_table_in_its_name_is_rejected(name: str, tmp_path: Path) -> None:
    suite(tmp_path, name, HAS_ROWS)
    with pytest.raises(WarehouseError, match="does not name a table"):
        read_suites(tmp_path)


def test_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="no suite file"):
        read_suites(tmp_path)

"""Every command that the product prints or documents in its code exists, and parses."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup
from typer.exceptions import TyperException

from warehouse.alerts import KINDS
from warehouse.cli.app import app
from warehouse.config import PROJECT_ROOT

PLACEHOLDER = "2024-01-01"  # a value of a message; parses as a text and as a day
TEMPLATE = re.compile(r"\{\{.*?\}\}")  # a value that Airflow puts in
ARTICLES = r"\b(?:a|an|the|this|that|live|each|staged|small|whole|one|of|from) "
NO_COMMAND = re.compile(rf"(?:{ARTICLES}|[/.\w-])$", re.IGNORECASE)
PROGRAM = re.compile(r"^(\.venv/bin/)?warehouse ")
MENTION = re.compile(r"\bwarehouse (?=[a-z-])")
# Where a command ends: at the end of a sentence, a bracket or a quotation, or where the sentence goes on.
END = re.compile(r"[`;)\n]|\. |\.$|, | \(| and | or | to | for | once |: | > ")


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield every text of a module with its line; values inside of f-strings become a placeholder."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    parts = {id(value) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for value in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            yield node.lineno, node.value
        elif isinstance(node, ast.JoinedStr):
            yield (
                node.lineno,
                "".join(
                    str(value.value) if isinstance(value, ast.Constant) else PLACEHOLDER
                    for value in node.values
                ),
            )


def commands_in(text: str) -> Iterator[str]:
    """Yield the commands that a text mentions, without the word `warehouse`."""
    text = TEMPLATE.sub(PLACEHOLDER, text)
    for found in MENTION.finditer(text):
        if not NO_COMMAND.search(text[: found.start()]):
            rest = text[found.end() :]
            quoted = re.match(r'query "[^"]*"', rest)
            ends = END.search(rest)
            yield quoted[0] if quoted else rest[: ends.start() if ends else None].strip(" ,.")


def parse(command: str) -> None:
    """Parse a command without running it; raise TyperException for a command, option or value it lacks."""
    words = shlex.split(command.replace("…", "reason"))
    name, found = "warehouse", typer.main.get_command(app)
    if "--help" in words:
        words.remove("--help")
        if not words:
            return
    while isinstance(found, TyperGroup):
        if not words:
            return  # a group as a whole
        context = found.make_context(name, list(words))
        resolved_name, resolved, words = found.resolve_command(context, words)
        assert resolved is not None and resolved_name is not None
        name, found = resolved_name, resolved
    if words:  # else the command as a whole is meant
        found.make_context(name, words)


def test_every_command_that_the_code_mentions_parses() -> None:
    seen, wrong = set(), []
    for folder in ("warehouse", "dags"):
        for path in sorted((PROJECT_ROOT / folder).rglob("*.py")):
            for line, text in texts(path):
                for command in commands_in(text):
                    seen.add(command)
                    try:
                        parse(command)
                    except (TyperException, ValueError) as error:
                        message = getattr(error, "message", error)
                        wrong.append(
                            f"{path.relative_to(PROJECT_ROOT)}:{line}: warehouse {command}: {message}"
                        )
    assert len(seen) > 20
    assert not wrong, "\n".join(wrong)


def commands_of_page(text: str) -> list[str]:
    """Return the commands of a Markdown page: lines of code blocks, and quotations in the text."""
    blocks = "\n".join(re.findall(r"```\w*\n(.*?)```", text, re.DOTALL))
    quoted = re.findall(r"`(warehouse [a-z-][^`\n]*)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    lines = [line for line in blocks.splitlines() if re.match(PROGRAM, line)]
    return [re.sub(PROGRAM, "", command).split(" #")[0].strip() for command in [*lines, *quoted]]


def test_every_command_of_the_documentation_parses() -> None:
    pages = {path.name: path.read_text(encoding="utf-8") for path in PROJECT_ROOT.glob("*.md")}
    found = [(name, command) for name, text in pages.items() for command in commands_of_page(text)]
    assert len(found) > 25 and "OPERATIONS.md" in {name for name, _ in found}
    wrong = []
    for name, command in found:
        try:
            parse(command)
        except (TyperException, ValueError) as error:
            wrong.append(f"{name}: warehouse {command}: {getattr(error, 'message', error)}")
    assert not wrong, "\n".join(wrong)


def test_the_runbook_has_a_section_with_a_command_for_each_kind_of_alert() -> None:
    text = (PROJECT_ROOT / "OPERATIONS.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##)", text, re.MULTILINE | re.DOTALL))
    assert sorted(sections) == sorted(KINDS)
    assert [kind for kind, section in sections.items() if not commands_of_page(section)] == []


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("Make one with: warehouse run (or make run)", ["run"]),
        ("fix it, then `warehouse publish --force`, and see", ["publish --force"]),
        (
            "warehouse backfill discard x --why '…'; warehouse status",
            ["backfill discard x --why '…'", "status"],
        ),
        ("the warehouse beside the live warehouse was built from warehouse/sources/x.py", []),
        ("Run: warehouse rollback RELEASE --why …", ["rollback RELEASE --why …"]),
    ],
)
def test_commands_are_found_in_a_text(text: str, commands: list[str]) -> None:
    assert list(commands_in(text)) == commands


@pytest.mark.parametrize(
    "command",
    [
        "no-such",
        "publish --hard",
        "backfill approve x",
        "query 'select 1' --rows none",
        "rejected x y",
    ],
)
def test_a_command_that_does_not_parse_is_seen(command: str) -> None:
    with pytest.raises(TyperException):
        parse(command)

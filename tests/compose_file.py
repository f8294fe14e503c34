"""Read docker-compose.yml as `docker compose` does: insert variables, merge anchors, replace `$$` by `$`.

Supports `${NAME}`, `${NAME:-default}` and `${NAME:?message}`; any other form raises ValueError.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from warehouse.config import PROJECT_ROOT

COMPOSE = PROJECT_ROOT / "docker-compose.yml"
DOCKERFILE = PROJECT_ROOT / "Dockerfile"
VARIABLE = re.compile(r"\$(?:(\$)|\{([A-Z_]+)(?:(:[-?])([^}]*))?\}|(.?))")


class UnsetVariable(Exception):
    """A required variable is not set or empty."""


def fill(text: str, variables: Mapping[str, str]) -> str:
    def insert(match: re.Match[str]) -> str:
        dollar, name, operator, rest, unknown = match.groups()
        if dollar:
            return "$"
        if unknown is not None:
            raise ValueError(f"{match.group()!r} in {text!r} is not supported")
        value = variables.get(name, "")
        if not value and operator == ":?":
            raise UnsetVariable(f"{name}: {rest}")
        return value or (rest if operator == ":-" else "")

    return VARIABLE.sub(insert, text)


def filled(node: Any, variables: Mapping[str, str]) -> Any:
    match node:
        case dict():
            return {key: filled(value, variables) for key, value in node.items()}
        case list():
            return [filled(value, variables) for value in node]
        case str():
            return fill(node, variables)
        case _:
            return node


def raw() -> dict[str, Any]:
    """Return the file with merged anchors and unexpanded variables."""
    return yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))


def read(variables: Mapping[str, str]) -> dict[str, Any]:
    """Return the file with these variables inserted."""
    return filled(raw(), variables)


def image_environment() -> dict[str, str]:
    """Return the Dockerfile's ENV lines."""
    lines = re.findall(r"^ENV ([A-Z]+)=(\S+)$", DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE)
    return dict(lines)

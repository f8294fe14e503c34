"""docker-compose.yml as `docker compose` reads it: variables inserted, anchors merged, `$$` replaced by `$`.

Supports what the file uses: `${NAME}`, `${NAME:-default}` and `${NAME:?message}`. Anything else is an error.
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


class Unset(Exception):
    """A variable without which the stack does not start."""


def fill(text: str, variables: Mapping[str, str]) -> str:
    def insert(match: re.Match[str]) -> str:
        dollar, name, operator, rest, unknown = match.groups()
        if dollar:
            return "$"
        if unknown is not None:
            raise ValueError(f"{match.group()!r} in {text!r} is not supported")
        value = variables.get(name, "")
        if not value and operator == ":?":
            raise Unset(f"{name}: {rest}")
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
    """Return the file with its anchors merged and its variables as they are written."""
    return yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))


def read(variables: Mapping[str, str]) -> dict[str, Any]:
    """Return the file as an operator with these variables starts it."""
    return filled(raw(), variables)


def image_environment() -> dict[str, str]:
    """Return the Dockerfile's ENV lines."""
    lines = re.findall(r"^ENV ([A-Z]+)=(\S+)$", DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE)
    return dict(lines)

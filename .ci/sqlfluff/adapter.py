"""What dbt's adapter looks like to the linter, which renders models without a database."""

from collections.abc import Callable


def dispatch(name: str, package: str) -> Callable[..., str]:
    """Return a function that writes the macro's call as an SQL function of the same name."""
    return lambda *arguments: f"{name}({', '.join(arguments)})"


def quote(name: str) -> str:
    """Return a quoted identifier."""
    return f'"{name}"'

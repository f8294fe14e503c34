"""What dbt's cross-database macros look like to the linter, which renders models without dbt."""


def type_string() -> str:
    """Return the name of the text type."""
    return "varchar"


def dateadd(datepart: str, interval: object, from_date_or_timestamp: str) -> str:
    """Return a date expression."""
    return f"date_add({from_date_or_timestamp}, {interval})"


def datediff(first_date: str, second_date: str, datepart: str) -> str:
    """Return an integer expression."""
    return f"date_diff('{datepart}', {first_date}, {second_date})"

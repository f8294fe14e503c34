"""The version of the adapter: that of dbt-spark, which it extends."""

from dbt.adapters.spark.__version__ import version

__all__ = ["version"]

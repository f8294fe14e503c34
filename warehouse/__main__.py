"""Run the command line with `python -m warehouse`."""

from warehouse.cli import main

main()

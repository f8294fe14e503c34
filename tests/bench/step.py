"""Run one step of a build in this process, and print the id of the build that it returns; nothing for None.

python -m bench.step load | transform BUILD | validate BUILD | publish BUILD
"""

from __future__ import annotations

import sys

from warehouse.build import steps
from warehouse.config import load_settings

STEPS = {"transform": steps.transform, "validate": steps.validate, "publish": steps.publish}


def main(name: str, *build: str) -> None:
    settings = load_settings()
    print((steps.load(settings) if name == "load" else STEPS[name](settings, *build)) or "")


if __name__ == "__main__":
    main(*sys.argv[1:])

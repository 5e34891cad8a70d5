"""The command line `python -m tools.screenshots`, which draws the pictures of docs/command-line.md."""

from __future__ import annotations

import sys

from tools.repository import ROOT
from tools.screenshots.pictures import FOLDER, pictures


def main() -> int:
    """Write the pictures, and return the exit status."""
    (ROOT / FOLDER).mkdir(parents=True, exist_ok=True)
    for name, picture in pictures().items():
        (ROOT / FOLDER / name).write_text(picture, encoding="utf-8")
        print(FOLDER / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())

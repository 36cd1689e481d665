"""All benchmarks, or those named on the command line."""

from __future__ import annotations

import sys

from benchmarks import console, lists, public_page

ALL = {"public-page": public_page.run, "lists": lists.run, "console": console.run}


def main() -> None:
    names = sys.argv[1:] or list(ALL)
    for name in names:
        if name not in ALL:
            raise SystemExit(f"There is no benchmark {name!r}; there are {', '.join(ALL)}.")
        ALL[name]()


main()

"""The system's Chromium."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.servers.process import Missing

if TYPE_CHECKING:
    from playwright.sync_api import Browser


# No sandbox, because containers lack the rights for one and only our own pages are opened; for the
# same reason sites need no processes of their own, each of which takes time to start. The rest
# keeps the browser from calling home: the tests speak to this machine alone.
_CHROMIUM_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-site-isolation-trials",
    "--renderer-process-limit=1",
    "--in-process-gpu",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
_CHROMIUM_ON_MACOS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)


@contextmanager
def chromium_browser() -> Iterator[Browser]:
    """The system's Chromium under Playwright. Raises :class:`Missing`."""
    program = _chromium_program()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_CHROMIUM_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


def _chromium_program() -> str:
    named = os.environ.get("PORTICO_TEST_CHROMIUM")
    if named:
        return named
    for name in (*_CHROMIUM_NAMES, *_CHROMIUM_ON_MACOS):
        found = shutil.which(name)
        if found:
            return found
    raise Missing(f"Chromium: no {', '.join(_CHROMIUM_NAMES)} on this machine")

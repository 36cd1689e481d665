"""A running house for a real browser: server process, both sides' mail, pages to walk through."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from portico import clock
from portico.records.content import Kind
from portico.records.link import PortalLink
from tests.browser.furniture import Furniture, furnish
from tests.cast import MARIT, Company, Stage
from tests.crowd import running
from tests.servers import smtp_inbox

PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 900}


class House:
    """A stage whose acme is at the address that a browser can open."""

    def __init__(self, stage: Stage, base: str) -> None:
        self.stage = stage
        self.acme: Company = stage.acme
        self.base = base
        self._number = 0

    def document(self, kind: Kind = Kind.QUOTE, **changes: Any) -> tuple[int, str]:
        """A document in Marit's hands, and the link in her mail."""
        self._number += 1
        changes.setdefault("number", f"{kind[0].upper()}-{self._number:04}")
        name = f"walk-{self._number}"
        document = self.acme.document(MARIT, kind, external_id=name, **changes)
        return document, self.acme.mailed(document, MARIT)

    def expiring(self) -> tuple[int, str]:
        tomorrow = clock.today("Europe/Oslo") + dt.timedelta(days=1)
        return self.document(valid_until=tomorrow)

    def let_expire(self, link_of: int) -> None:
        """Turn the clock of a document's links, not ours: the server is another process."""
        self.acme.execute(
            "UPDATE customer_portal_links SET expires_at = '2020-01-01 00:00:00' "
            "WHERE document_id = :document",
            document=link_of,
        )

    def newest_link(self) -> str:
        self.stage.deliver()
        return self.stage.link_to(MARIT)

    def links_to(self, document: int) -> list[PortalLink]:
        return [link for link in self.acme.links() if link.document_id == document]


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory, pattern: Path) -> Iterator[House]:
    with smtp_inbox() as inbox:
        folder = tmp_path_factory.mktemp("house") / "instance"
        stage = Stage(folder, inbox.url, pattern, PORTICO_DEFAULT_TENANT="acme")
        stage.inbox = inbox
        stage.acme.set_organization(
            "halden", payment_url="https://pay.example/?n={number}&a={amount}", colour="#8a3b12"
        )
        with running(stage) as (port,):
            base = f"http://127.0.0.1:{port}"
            stage.open_at(stage.acme, base)
            yield House(stage, base)
        stage.close()


@pytest.fixture(scope="session")
def furniture(house: House) -> Furniture:
    """What Ragna has in the house; Tove has nothing yet, and both have an account."""
    return furnish(house)


@pytest.fixture(params=[True, False], ids=["with JavaScript", "without JavaScript"])
def javascript(request: pytest.FixtureRequest) -> bool:
    on: bool = request.param
    return on


@pytest.fixture
def walk(house: House, chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Open pages: ``walk(javascript=False, size=PHONE)``. Whatever they load from elsewhere, or
    complain about, is a failure."""
    contexts = []
    wrong: list[str] = []

    def open_page(
        *,
        javascript: bool = True,
        size: dict[str, int] = DESKTOP,
        dark: bool = False,
        **more: object,
    ) -> Page:
        context = chromium.new_context(
            java_script_enabled=javascript,
            viewport=size,  # type: ignore[arg-type]
            color_scheme="dark" if dark else "light",
            **more,  # type: ignore[arg-type]
        )
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: _elsewhere(house, request.url, wrong))
        page.on("pageerror", lambda error: wrong.append(f"script error: {error}"))
        page.on(
            "console",
            lambda message: (
                wrong.append(message.text)
                if message.type == "error" and not _is_of_the_network(message.text)
                else None
            ),
        )
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


def _is_of_the_network(message: str) -> bool:
    by_htmx = ("htmx:sendError", "htmx:afterRequest")
    return "Failed to load resource" in message or message.startswith(by_htmx)


def _elsewhere(house: House, url: str, wrong: list[str]) -> None:
    if urlsplit(url).scheme != "data" and not url.startswith(house.base + "/"):
        wrong.append(f"asked for {url}")

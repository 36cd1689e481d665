"""WCAG 2.2 AA by axe: what it finds wrong on a page, as one line for each fault."""

from __future__ import annotations

import importlib.resources
from weakref import WeakSet

from playwright.sync_api import Page

from tests.browser.conftest import DESKTOP, PHONE

AXE = importlib.resources.files("axe_playwright_python").joinpath("axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# The dark scheme changes colours and nothing else, so nothing else is looked for in it.
COLOURS = ["color-contrast"]
SIGHTS = (
    (DESKTOP, "light", RULES),
    (DESKTOP, "dark", COLOURS),
    (PHONE, "dark", COLOURS),
    (PHONE, "light", RULES),
)


_having_it: WeakSet[Page] = WeakSet()


def faults_of(page: Page, *addresses: str) -> list[str]:
    """The faults of these pages, each opened once; without addresses, of the one that is open."""
    if not addresses:
        return audit_everywhere(page)
    if page not in _having_it:
        page.add_init_script(AXE)  # which is quicker than to hand it over for each page
        _having_it.add(page)
    faults = []
    for address in addresses:
        page.goto(address)
        faults += audit_everywhere(page)
    return faults


def audit_everywhere(page: Page) -> list[str]:
    """The faults of a page on phone and desktop, light and dark, without asking for it again; that
    it scrolls sideways is one."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    faults = []
    for size, scheme, rules in SIGHTS:
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        at = f"{page.url} ({size['width']}, {scheme})"
        faults += [f"{at} {fault}" for fault in _faults(page, rules)]
        if page.evaluate("document.documentElement.scrollWidth") > size["width"]:
            faults.append(f"{at} scrolls sideways")
    return faults


def _faults(page: Page, rules: list[str]) -> list[str]:
    found = page.evaluate("rules => axe.run({runOnly: rules, resultTypes: ['violations']})", rules)
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


def send_anyway(page: Page, button: str | None) -> None:
    """Press a button of a form that is not filled in, as in a browser that checks nothing."""
    page.evaluate("for (const form of document.forms) form.noValidate = true")
    page.get_by_role("button", name=button).click()

"""L15: every answer, whatever its status, carries the same guards.

The client of these tests looks at the headers of everything it fetches; this asks for one of each.
"""

from __future__ import annotations

import pytest

from tests.cast import BEA, MARIT


def _files(page):
    """What a page loads; its icon lies within it."""
    found = [node.get("href") or node.get("src") for node in page.tree.xpath("//link|//script")]
    return [file for file in found if not file.startswith("data:")]


@pytest.mark.parametrize(
    ("path", "status"),
    [("", 200), ("/pdf", 200), ("/end", 200), ("/settings", 200), ("/receipt", 404), ("/files/9", 404),
     ("/accept", 303), ("/nothing", 404)],
)  # fmt: skip
def test_pages_downloads_and_refusals_carry_the_guards(stage, path, status):
    _quote, link = stage.acme.quote()
    assert stage.visitor().get(link + path).status == status


def test_expired_unknown_and_throttled_pages_carry_them_too(stage, clock):
    _quote, link = stage.acme.quote()
    clock.advance(hours=24)
    visitor = stage.visitor()
    assert visitor.get(link).status == 410
    seen = {visitor.get(f"{stage.acme.public_url}/i/{'A' * 43}").status for _ in range(31)}
    assert seen == {404, 429}


def test_with_encryption_the_browser_is_told_to_keep_to_it(stage):
    link = stage.acme.copy(stage.acme.document(MARIT))
    assert "max-age" in stage.visitor().get(link).headers["Strict-Transport-Security"]


def test_static_files_have_names_that_change_with_them(stage):
    page = stage.visitor().get(stage.acme.copy(stage.acme.document(MARIT)))
    files = _files(page)
    assert len(files) >= 2
    for file in files:
        answer = stage.visitor().get(stage.acme.public_url + file, Accept_Encoding="gzip")
        assert answer.status == 200
        if "/static/" in file:
            assert "immutable" in answer.headers["Cache-Control"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_static_file_is_found_below_a_tenants_prefix(stage):
    page = stage.visitor().get(stage.bolt.copy(stage.bolt.document(BEA)))
    for file in _files(page):
        assert stage.visitor().get(f"https://portal.example{file}").status == 200


@pytest.mark.parametrize(
    "path", ["../app.py", "..%2fapp.py", "%2e%2e/secret_keys", "", "nothing.css"]
)
def test_nothing_but_static_files_is_under_static(stage, path):
    assert stage.visitor().get(f"{stage.acme.public_url}/static/{path}").status in {404, 405}

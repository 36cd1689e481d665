"""L10, L14: what a link may know and do; it signs nobody in."""

from __future__ import annotations

from tests.cast import MARIT


def test_the_outsider_sees_no_settings(stage):
    stage.acme.quote()
    assert stage.visitor().get(f"{stage.acme.public_url}/i/{'A' * 43}/settings").status == 404


def test_the_settings_name_the_address_on_file_only_in_part(both):
    _quote, link = both.acme.quote()
    page = both.visitor().get(f"{link}/settings")
    assert page.heading == "About this link"
    assert "m•••@fjordhus.example" in page.text
    assert MARIT.email not in page.source


def test_a_copied_link_names_nobody(both):
    link = both.acme.copy(both.acme.document(MARIT))
    page = both.visitor().get(f"{link}/settings")
    assert "fjordhus.example" not in page.source
    assert MARIT.name not in page.text


def test_no_page_of_a_link_asks_anybody_to_sign_in(stage):
    _quote, link = stage.acme.quote()
    for path in ("", "/settings", "/end"):
        page = stage.visitor().get(link + path)
        assert page.status == 200
        assert page.tree.find(".//input[@type='password']") is None

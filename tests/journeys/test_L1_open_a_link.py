"""L1: a secret address shows one document, without signing in."""

from __future__ import annotations

import secrets

from portico.records.content import Kind
from tests.cast import MARIT, OLAF, token_of


def test_the_outsider_guesses_in_vain(both):
    link = both.acme.copy(both.acme.document(MARIT))
    mallory = both.visitor("198.51.100.66")
    for guess in (secrets.token_urlsafe(32), token_of(link)[:-1], token_of(link)[:-1] + "A"):
        if guess != token_of(link):
            assert mallory.get(f"{both.acme.public_url}/i/{guess}").status == 404


def test_every_kind_of_document_opens(both, subtests):
    for kind in Kind:
        with subtests.test(kind.value):
            number = f"No {kind}/7"
            link = both.acme.copy(both.acme.document(MARIT, kind, number=number))
            page = both.visitor().get(link)
            assert page.status == 200
            assert page.heading == number
            assert "6,227.85" in page.text
            assert "Fjordhus AS" in page.text


def test_the_older_address_shows_the_same_and_leads_on_to_the_new_one(stage):
    _quote, link = stage.acme.quote()
    visitor = stage.visitor()
    page = visitor.get(link.replace("/i/", "/portal/"))
    assert page.source == visitor.get(link).source
    assert "/portal/" not in page.source


def test_the_older_address_answers_too(stage):
    quote, link = stage.acme.quote()
    old = link.replace("/i/", "/portal/")
    answered = stage.visitor().post(f"{old}/accept", {"name": "Marit", "revision": "1"})
    assert answered.location == f"{link}#decision"
    assert stage.acme.read(quote).state == "accepted"


def test_the_page_shows_what_the_document_says(stage):
    _quote, link = stage.acme.quote()
    text = stage.visitor().get(link).text
    for expected in (
        "Halden of Acme", "Q-2041", "Awaiting your answer", "Oak floor, brushed", "42", "78.50",
        "3,297.00", "VAT 25%", "4,982.28", "1,245.57", "€6,227.85", "26 Nov 2026", "14 days left",
        "The old floor is taken up by the customer.",
    ):  # fmt: skip
        assert expected in text


def test_what_a_document_says_is_never_markup(stage):
    nasty = "<script>alert(1)</script><img src=x onerror=alert(1)>'\"{{ 7*7 }}"
    quote = stage.acme.document(MARIT, number=nasty[:60], title=nasty, notes=[nasty])
    page = stage.visitor().get(stage.acme.copy(quote))
    assert nasty in page.text
    assert page.tree.find(".//img") is None


def test_a_text_from_right_to_left_and_an_endless_word_are_shown(stage):
    words = {"title": "شركة النور " * 10, "notes": ["x" * 9_000], "number": "עִבְרִית-1"}
    page = stage.visitor().get(stage.acme.copy(stage.acme.document(OLAF, **words)))
    assert page.heading == "עִבְרִית-1"


def test_a_staff_remark_about_sums_is_not_for_customers(both):
    acme = both.acme
    link = acme.copy(acme.document(MARIT))
    acme.execute("UPDATE document_revisions SET warnings = '[\"the sums do not hold\"]'")
    assert "do not hold" not in both.visitor().get(link).source

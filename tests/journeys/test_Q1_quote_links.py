"""Q1: the older, stand-alone quote share: same rules, same service, its own addresses."""

from __future__ import annotations

import datetime as dt

import pytest

from portico.records.content import Kind
from portico.records.decision import Decision
from portico.records.link import Purpose
from portico.refusals import StaffRefusal
from tests.cast import MARIT, dearer, token_of

YES = {"name": "Marit Solberg", "revision": "1"}


def _shared(both, **options):
    quote = both.acme.document(MARIT)
    return quote, both.acme.copy(quote, Purpose.QUOTE, **options)


def test_the_outsider_guesses_in_vain(both):
    for path in ("", "/accept"):
        assert both.visitor().get(f"{both.acme.public_url}/q/{'A' * 43}{path}").status == 404


def test_a_quote_link_shows_the_quote_and_takes_the_answer(both):
    quote, link = _shared(both)
    assert link.startswith(f"{both.acme.public_url}/q/")
    page = both.visitor().get(link)
    assert page.heading == "Q-2041"
    assert "/i/" not in page.source
    assert all("/q/" in action for action in page.forms())
    assert both.visitor().post(f"{link}/accept", YES).location == f"{link}#decision"
    (decision,) = both.acme.rows(Decision)
    assert (decision.via, decision.contact_id) == ("quote_link", None)
    assert both.acme.read(quote).state == "accepted"
    assert "Thank you" in both.visitor().get(link).text


def test_a_quote_link_takes_a_no(both):
    quote, link = _shared(both)
    form = {"revision": "1", "reason": "No"}
    assert both.visitor().post(f"{link}/decline", form, htmx=True).status == 200
    assert both.acme.read(quote).state == "declined"


def test_tokens_of_the_two_kinds_are_not_interchangeable(both):
    quote, shared = _shared(both)
    mailed = both.acme.mailed(quote, MARIT)
    before = both.acme.dump()
    for wrong in (
        shared.replace("/q/", "/i/"),
        shared.replace("/q/", "/portal/"),
        mailed.replace("/i/", "/q/"),
    ):
        assert both.visitor().get(wrong).status == 404
        assert both.visitor().post(f"{wrong}/accept", YES).status == 404
    assert both.acme.dump() == before


def test_only_a_quote_has_a_quote_link(both):
    invoice = both.acme.document(MARIT, Kind.INVOICE)
    with pytest.raises(StaffRefusal):
        both.acme.copy(invoice, Purpose.QUOTE)


def test_it_is_issued_by_command_with_a_lifetime_of_its_own(both, clock):
    both.acme.document(MARIT)
    told = both.command("document", "link", "halden", "quote", "Q-2041", "--quote", "--hours", "2")
    link = told.output.strip()
    clock.advance(minutes=119)
    assert both.visitor().get(link).status == 200
    clock.advance(minutes=1)
    expired = both.visitor().get(link)
    assert expired.status == 410
    assert "Q-2041" not in expired.source
    assert expired.forms() == {}


def test_the_same_refusals_hold(both, clock):
    quote, link = _shared(both, hours=24 * 30)
    both.acme.revise(quote, dearer(both.acme.content(quote)))
    assert both.visitor().post(f"{link}/accept", YES).status == 409
    both.acme.copy(quote)
    changed = both.visitor().post(f"{link}/accept", YES)
    assert "changed while you were reading" in changed.text
    clock.advance(days=15)
    late = both.visitor().post(f"{link}/accept", YES | {"revision": "2"})
    assert (late.status, "last valid day" in late.text) == (409, True)
    assert both.acme.rows(Decision) == []


def test_one_answer_stands_across_both_kinds_of_link(both):
    quote, shared = _shared(both)
    mailed = both.acme.mailed(quote, MARIT)
    assert both.visitor().post(f"{shared}/accept", YES).status == 303
    assert both.visitor().post(f"{mailed}/decline", YES).status == 409
    assert "Thank you" in both.visitor().get(mailed).text
    assert len(both.acme.rows(Decision)) == 1


def test_a_form_from_elsewhere_changes_nothing(both):
    quote, link = _shared(both)
    answer = both.visitor().post(f"{link}/accept", YES, Sec_Fetch_Site="cross-site")
    assert answer.status == 403
    assert both.acme.read(quote).state == "sent"


def test_revoking_a_document_takes_its_quote_links_along(both):
    _quote, link = _shared(both)
    assert both.command("document", "revoke", "halden", "quote", "Q-2041").exit_code == 0
    assert both.visitor().get(link).status == 404
    assert len(token_of(link)) == 43
    assert dt.timedelta(hours=both.acme.links()[0].life_hours) == dt.timedelta(days=1)

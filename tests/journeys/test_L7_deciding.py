"""L7: when a quote can be decided, and what is said when it cannot."""

from __future__ import annotations

import datetime as dt

import pytest

from portico.records.content import Kind
from portico.records.decision import Decision
from portico.records.document import COMMERCIAL
from portico.services import conversations, documents
from tests.cast import MARIT, OLAF, dearer

YES = {"name": "Marit Solberg", "revision": "1"}
LONG = {"hours": 24 * 60}


def _sent(both, **changes):
    quote = both.acme.document(MARIT, **changes)
    return quote, both.acme.mailed(quote, MARIT, **LONG)


def _refused(both, link, action="accept", form=YES, status=409):
    """Refused by page and by part, and nothing changed."""
    before = both.acme.dump()
    page = both.visitor().post(f"{link}/{action}", form)
    part = both.visitor().post(f"{link}/{action}", form, htmx=True)
    assert page.status == part.status == status
    assert both.acme.dump() == before
    return page


def test_the_outsider_at_the_next_customer_decides_nothing_here(both):
    quote, _link = _sent(both)
    olafs = both.acme.mailed(both.acme.document(OLAF, external_id="o"), OLAF)
    both.visitor().post(f"{olafs}/accept", YES)
    assert both.acme.read(quote).state == "sent"


@pytest.mark.parametrize(
    ("zone", "last", "first_too_late"),
    [
        ("Europe/Oslo", (2026, 11, 26, 22, 59, 59), (2026, 11, 26, 23)),
        ("Pacific/Auckland", (2026, 11, 26, 10, 59, 59), (2026, 11, 26, 11)),
        ("America/Los_Angeles", (2026, 11, 27, 7, 59, 59), (2026, 11, 27, 8)),
    ],
)
def test_a_quote_is_open_through_its_last_day_in_the_organizations_zone(
    both, clock, zone, last, first_too_late
):
    both.acme.set_organization("halden", timezone=zone)
    quote, link = _sent(both, valid_until=dt.date(2026, 11, 26))
    clock.set(*first_too_late)
    page = _refused(both, link)
    assert "its last valid day is over" in page.text
    clock.set(*last)
    assert both.visitor().post(f"{link}/accept", YES).status == 303
    assert both.acme.read(quote).state == "accepted"


def test_an_expired_quote_shows_no_form_to_accept_it(both, clock):
    _quote, link = _sent(both)
    clock.advance(days=15)
    page = both.visitor().get(link)
    assert "Expired" in page.text
    assert not any(action.endswith(("accept", "decline")) for action in page.forms())


def test_a_quote_without_a_last_day_stays_open(both, clock):
    _quote, link = _sent(both, valid_until=None)
    clock.advance(days=50)
    assert both.visitor().post(f"{link}/accept", YES).status == 303


@pytest.mark.parametrize("action", ["accept", "decline"])
def test_the_same_answer_again_shows_the_receipt(both, action):
    quote, link = _sent(both)
    for _ in range(3):
        assert both.visitor().post(f"{link}/{action}", YES).status == 303
    (decision,) = both.acme.rows(Decision)
    assert decision.receipt_code in both.visitor().get(link).text
    assert len(both.acme.mails()) == 3
    assert both.acme.read(quote).decided_at is not None


@pytest.mark.parametrize(("first", "second"), [("accept", "decline"), ("decline", "accept")])
def test_the_contrary_answer_says_what_was_decided(both, first, second):
    _quote, link = _sent(both)
    both.visitor().post(f"{link}/{first}", YES)
    page = _refused(both, link, second)
    said = {"accept": "already accepted", "decline": "already declined"}
    assert said[first] in page.text
    assert both.acme.rows(Decision)[0].receipt_code in page.text


def test_a_quote_that_changed_since_it_was_opened_is_shown_again(both):
    quote, link = _sent(both)
    both.acme.revise(quote, dearer(both.acme.content(quote)))
    both.acme.send(quote, MARIT)
    page = _refused(both, link)
    assert "changed while you were reading" in page.text
    assert "The total was €6,227.85 and is now €6,352.85." in page.text
    form = next(form for action, form in page.forms().items() if action.endswith("/accept"))
    assert form["revision"] == "2"
    assert both.visitor().post(f"{link}/accept", YES | {"revision": "2"}).status == 303


def test_what_was_typed_is_still_there_when_the_quote_changed(both):
    quote, link = _sent(both)
    both.acme.revise(quote, dearer(both.acme.content(quote)))
    both.acme.send(quote, MARIT)
    page = _refused(both, link, form=YES | {"po_number": "PO-9"})
    form = next(form for action, form in page.forms().items() if action.endswith("/accept"))
    assert form["po_number"] == "PO-9"


def test_a_quote_that_was_extended_is_shown_again(both):
    quote, link = _sent(both)
    with both.acme.scope():
        documents.extend(quote, dt.date(2026, 12, 24), by="Kari")
    page = _refused(both, link)
    assert "It is now valid until 24 Dec 2026." in page.text


def test_a_quote_that_is_being_revised_cannot_be_answered(both):
    quote, link = _sent(both)
    both.acme.revise(quote, dearer(both.acme.content(quote)))
    assert "being prepared" in _refused(both, link).text
    shown = both.visitor().get(link)
    assert "6,227.85" in shown.text
    assert "6,352.85" not in shown.text
    assert not any(action.endswith(("accept", "decline")) for action in shown.forms())


def test_a_withdrawn_quote_can_be_read_and_not_answered(both):
    quote, link = _sent(both)
    with both.acme.scope():
        documents.void(quote, by="Kari")
    assert "withdrawn" in _refused(both, link).text
    assert "Withdrawn" in both.visitor().get(link).text


@pytest.mark.parametrize("kind", [kind for kind in COMMERCIAL if kind is not Kind.QUOTE])
def test_there_is_nothing_to_accept_on_other_documents(stage, kind):
    link = stage.acme.copy(stage.acme.document(MARIT, kind))
    for action in ("accept", "decline", "more-time"):
        _refused(stage, link, action)


def test_a_revision_that_was_never_on_screen_decides_nothing(both, subtests):
    _quote, link = _sent(both)
    for revision in ("0", "2", "7", "999999999"):
        with subtests.test(revision):
            _refused(both, link, form=YES | {"revision": revision})


def test_an_unsent_draft_is_open_to_nobody(both):
    quote = both.acme.document(MARIT)
    link = both.acme.copy(quote)
    both.acme.execute("UPDATE documents SET state = 'draft', posted_at = NULL")
    _refused(both, link, status=404)


def test_an_answer_mailed_meanwhile_tells_nothing_of_the_next_version(both):
    quote, link = _sent(both)
    both.visitor().post(f"{link}/ask", {"question": "Cheaper?"})
    both.acme.revise(quote, dearer(both.acme.content(quote), number="Q-2041b"))
    with both.acme.scope():
        conversations.answer(quote, "We are working on it.", by="Kari")
    both.deliver()
    letter = both.letters_to(MARIT)[-1].raw.decode()
    assert "Q-2041b" not in letter
    assert "6,352" not in letter

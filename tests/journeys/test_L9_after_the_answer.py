"""L9: a decided quote is frozen; recorded and reversed answers; the conversation."""

from __future__ import annotations

import pytest

from portico.records.decision import Answer, Decision
from portico.refusals import AlreadyDecided, StaffRefusal
from portico.services import conversations, decisions, documents
from portico.services.decisions import Signatory
from tests.cast import MARIT, OLAF, bodies, dearer

YES = {"name": "Marit Solberg", "revision": "1"}


def test_the_outsider_reads_no_conversation(both):
    _quote, link = both.acme.quote()
    both.visitor().post(f"{link}/ask", {"question": "Is the oak oiled?"})
    olafs = both.acme.mailed(both.acme.document(OLAF, external_id="o"), OLAF)
    assert "oiled" not in both.visitor().get(olafs).source


def test_a_changed_quote_must_be_sent_again_before_it_is_decided(both):
    quote, link = both.acme.quote()
    both.visitor().post(f"{link}/accept", YES)
    both.acme.revise(quote, dearer(both.acme.content(quote)))
    for revision in ("1", "2"):
        answer = both.visitor().post(f"{link}/decline", YES | {"revision": revision})
        assert answer.status == 409
    fresh = both.acme.mailed(quote, MARIT)
    assert both.visitor().post(f"{fresh}/decline", YES | {"revision": "2"}).status == 303
    assert [(one.revision, one.answer) for one in both.acme.rows(Decision)] == [
        (1, "accepted"), (2, "declined"),
    ]  # fmt: skip
    assert both.acme.read(quote).state == "declined"


def test_an_accepted_quote_is_not_withdrawn_or_extended(both):
    quote, link = both.acme.quote()
    both.visitor().post(f"{link}/accept", YES)
    before = both.acme.dump()
    assert both.command("document", "void", "halden", "quote", "Q-2041").exit_code == 1
    assert both.command("quote", "extend", "halden", "Q-2041", "2027-01-01").exit_code == 1
    assert both.acme.dump() == before
    assert both.acme.read(quote).state == "accepted"


def test_staff_record_an_acceptance_made_by_phone(both):
    quote, link = both.acme.quote()
    told = both.command(
        "quote", "record", "halden", "Q-2041", "accepted",
        "--name", "Marit Solberg", "--note", "Said so on the phone", "--as", "Kari",
    )  # fmt: skip
    assert told.exit_code == 0
    (decision,) = both.acme.rows(Decision)
    assert decision.receipt_code in told.output
    assert (decision.via, decision.recorded_by, decision.ip) == ("staff", "Kari", None)
    assert "Said so on the phone" in decision.note
    page = both.visitor().get(link)
    assert "recorded the acceptance" in page.text
    assert both.visitor().post(f"{link}/decline", YES).status == 409
    assert both.command("receipt", "verify", decision.receipt_code).exit_code == 0
    assert both.acme.read(quote).state == "accepted"


def test_an_answer_is_not_recorded_over_another(both):
    quote, link = both.acme.quote()
    both.visitor().post(f"{link}/accept", YES)
    before = both.acme.dump()
    for answer in Answer:
        with both.acme.scope(), pytest.raises(AlreadyDecided):
            decisions.record_offline(quote, answer, Signatory("Kari"), by="Kari", note="x")
    assert both.acme.dump() == before


def test_a_reversed_answer_stays_on_record_and_the_quote_is_open_again(both):
    quote, link = both.acme.quote()
    both.visitor().post(f"{link}/accept", YES)
    told = both.command(
        "quote", "reverse", "halden", "Q-2041", "--note", "Wrong quote", "--as", "Kari"
    )
    assert told.exit_code == 0
    (first,) = both.acme.rows(Decision)
    assert (first.reversed_by, first.reversal_note) == ("Kari", "Wrong quote")
    assert both.command("receipt", "verify", first.receipt_code).exit_code == 0
    assert both.visitor().post(f"{link}/decline", YES).status == 303
    states = [(one.answer, one.reversed_at is None) for one in both.acme.rows(Decision)]
    assert states == [("accepted", False), ("declined", True)]
    assert both.acme.read(quote).state == "declined"


def test_the_customer_is_told_of_a_reversal(both):
    _quote, link = both.acme.quote()
    both.visitor().post(f"{link}/accept", YES)
    both.command("quote", "reverse", "halden", "Q-2041", "--note", "Wrong quote")
    both.deliver()
    assert "Wrong quote" in bodies(both.letters_to(MARIT)[-1])[0]
    assert both.visitor().get(both.link_to(MARIT)).status == 200


def test_nothing_is_reversed_twice(both):
    quote, link = both.acme.quote()
    both.visitor().post(f"{link}/accept", YES)
    with both.acme.scope():
        decisions.reverse(quote, by="Kari", note="Wrong")
    before = both.acme.dump()
    with both.acme.scope(), pytest.raises(StaffRefusal):
        decisions.reverse(quote, by="Kari", note="Wrong")
    assert both.acme.dump() == before


def test_an_answer_to_a_question_is_mailed_and_stands_on_the_page(both):
    quote, link = both.acme.quote()
    both.visitor().post(f"{link}/ask", {"question": "Is the oak oiled?"})
    told = both.command(
        "document", "answer", "halden", "quote", "Q-2041", "Yes, twice.", "--as", "Kari"
    )
    assert told.exit_code == 0
    both.deliver()
    assert "Yes, twice." in bodies(both.letters_to(MARIT)[-1])[0]
    for address in (link, both.link_to(MARIT)):
        assert "Yes, twice." in both.visitor().get(address).text
    assert both.acme.read(quote).state == "sent"


def test_an_answer_goes_to_those_who_hold_the_document_only(both):
    quote, _link = both.acme.quote()
    both.visitor()
    with both.acme.scope():
        conversations.answer(quote, "For you alone", by="Kari")
    both.deliver()
    assert both.letters_to(OLAF) == []
    assert len(both.letters_to(MARIT)) == 2


def test_an_extended_quote_is_mailed_and_can_be_accepted(both, clock):
    _quote, link = both.acme.quote()
    told = both.command(
        "quote", "extend", "halden", "Q-2041", "2026-12-24", "--note", "Take your time"
    )
    assert told.exit_code == 0
    both.deliver()
    assert "Take your time" in bodies(both.letters_to(MARIT)[-1])[0]
    clock.set(2026, 12, 24, 12)
    both.visitor().post(f"{both.link_to(MARIT)}/request-access")
    both.deliver()
    fresh = both.link_to(MARIT)
    assert both.visitor().post(f"{fresh}/accept", YES | {"revision": "2"}).status == 303
    assert fresh != link


def test_a_quote_is_not_extended_backwards(both):
    both.acme.quote()
    before = both.acme.dump()
    for until in ("2026-11-26", "2026-11-01", "yesterday"):
        assert both.command("quote", "extend", "halden", "Q-2041", until).exit_code != 0, until
        assert both.acme.dump() == before, until


def test_reversing_an_answer_to_a_version_that_was_changed_since_is_refused(both):
    quote, link = both.acme.quote()
    both.visitor().post(f"{link}/accept", YES)
    both.acme.revise(quote, dearer(both.acme.content(quote)))
    with both.acme.scope(), pytest.raises(StaffRefusal):
        decisions.reverse(quote, by="Kari", note="Too late")
    with both.acme.scope():
        assert documents.find(quote).state == "posted"

"""L16: states are per kind; customers see posted documents only."""

from __future__ import annotations

import pytest

from portico.records.content import Kind
from portico.records.document import KINDS
from portico.refusals import StaffRefusal
from portico.services import documents
from tests.cast import MARIT

EXPECTED = {
    Kind.QUOTE: {"draft", "posted", "sent", "accepted", "declined", "expired", "withdrawn"},
    Kind.INVOICE: {"draft", "posted", "sent", "partially_paid", "paid", "overdue", "cancelled"},
    Kind.SALES_ORDER: {"draft", "posted", "sent", "fulfilled", "cancelled"},
    Kind.SALES_RECEIPT: {"draft", "posted", "sent", "cancelled"},
    Kind.REFUND_RECEIPT: {"draft", "posted", "sent", "cancelled"},
    Kind.CREDIT_NOTE: {"draft", "posted", "sent", "applied", "cancelled"},
    Kind.STATEMENT: {"draft", "posted", "sent", "cancelled"},
    Kind.REQUEST: {"draft", "posted", "sent", "in_progress", "completed", "cancelled"},
    **{
        kind: {"draft", "posted", "sent", "accepted", "declined", "expired", "withdrawn"}
        for kind in (Kind.PROPOSAL, Kind.ACCEPTANCE, Kind.TIME_APPROVAL)
    },
}


@pytest.mark.parametrize("kind", list(Kind))
def test_the_outsider_and_the_customer_see_no_draft(both, kind):
    draft = both.acme.document(MARIT, kind, post=False)
    with pytest.raises(StaffRefusal):
        both.acme.copy(draft)
    with pytest.raises(StaffRefusal):
        both.acme.send(draft, MARIT)
    assert both.acme.links() == []
    assert both.acme.mails() == []


@pytest.mark.parametrize("kind", list(Kind))
def test_each_kind_has_states_of_its_own(kind):
    assert {state.value for state in KINDS[kind].states} == EXPECTED[kind]


def test_a_draft_is_posted_by_command_and_then_sent(both):
    draft = both.acme.document(MARIT, post=False)
    assert both.command("document", "send", "halden", "quote", "Q-2041").exit_code == 1
    assert both.command("document", "post", "halden", "quote", "Q-2041").exit_code == 0
    assert both.command("document", "send", "halden", "quote", "Q-2041").exit_code == 0
    assert both.acme.read(draft).state == "sent"


def test_a_sent_document_is_sent(both, subtests):
    for kind in Kind:
        with subtests.test(kind.value):
            document = both.acme.document(MARIT, kind)
            assert both.acme.read(document).state == "posted"
            both.acme.mailed(document, MARIT)
            sent = both.acme.read(document)
            assert sent.state == "sent"
            with both.acme.scope():
                assert documents.find(document).state_on(sent.issued_on) == "sent"


def test_an_invoice_is_overdue_from_the_day_after_it_was_due(both, clock):
    document = both.acme.document(MARIT, Kind.INVOICE)
    link = both.acme.mailed(document, MARIT, hours=24 * 30)
    clock.set(2026, 11, 26, 22, 59, 59)  # still the 26th in Oslo
    assert "Overdue" not in both.visitor().get(link).text
    clock.advance(seconds=1)
    assert "Overdue" in both.visitor().get(link).text


def test_a_withdrawn_document_is_not_sent_any_more(both):
    document = both.acme.document(MARIT)
    with both.acme.scope():
        documents.void(document, by="Kari")
    with pytest.raises(StaffRefusal):
        both.acme.send(document, MARIT)
    with pytest.raises(StaffRefusal):
        both.acme.copy(document)

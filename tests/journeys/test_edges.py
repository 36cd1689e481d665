"""Edges where something was lost, doubled or shown to the wrong eyes."""

from __future__ import annotations

import contextlib
import datetime as dt
import json

import pytest
from sqlalchemy.exc import SQLAlchemyError

from portico.mail import transport
from portico.mail.transport import NotSent
from portico.records.activity import AccessLog, Activity, ActorKind
from portico.records.content import Kind
from portico.records.mail import MailState
from portico.refusals import StaffRefusal
from portico.services import activity, conversations, decisions, delivery, documents, intake
from portico.services.activity import Entry
from portico.services.imports.refusals import BadFile
from tests.cast import BEA, MARIT, OLAF, content_for, dearer, link_in

YES = {"name": "Marit Solberg", "revision": "1"}


def test_a_quote_valid_for_ever_is_mailed_once(both):
    """Books write 9999-12-31 where there is no last day."""
    told = both.command(
        "organization", "link-life", "halden", "--kind", "quote", "--until-validity"
    )
    assert told.exit_code == 0
    quote = both.acme.document(MARIT, valid_until=dt.date(9999, 12, 31))
    link = both.acme.mailed(quote, MARIT)
    assert [mail.state for mail in both.acme.mails()] == ["sent"]
    assert both.visitor().get(link).status == 200
    assert both.visitor().get(both.acme.copy(quote)).status == 200


def test_a_revision_that_was_never_sent_shows_nowhere(both):
    quote, _ = both.acme.quote()
    first = both.acme.content(quote)
    both.acme.revise(quote, dearer(first, 77_700))  # thought better of, and never sent
    both.acme.revise(quote, dearer(first, 10_000))
    link = both.acme.mailed(quote, MARIT)
    unsent = "7,199.10"
    assert unsent not in both.visitor().get(link).source
    assert "The total was €6,227.85" in both.visitor().get(link).text
    answer = both.visitor().post(f"{link}/accept", YES | {"revision": "2"})
    assert answer.status == 409
    assert unsent not in answer.source
    answer = both.visitor().post(f"{link}/accept", YES)
    assert answer.status == 409
    assert "€6,227.85" in answer.text


def test_reversing_an_answer_does_not_reopen_a_withdrawn_quote(both):
    quote, link = both.acme.quote()
    both.visitor().post(f"{link}/decline", YES)
    with both.acme.scope():
        documents.void(quote, by="Kari")
        with pytest.raises(StaffRefusal):
            decisions.reverse(quote, by="Kari", note="Changed my mind")
    assert both.acme.read(quote).state == "withdrawn"
    assert both.visitor().post(f"{link}/accept", YES).status == 409


def test_an_update_does_not_bring_one_customers_figures_to_another(both):
    quote, _ = both.acme.quote()
    other = content_for(OLAF, number="Q-2041").model_dump(mode="json", exclude_defaults=True)
    with both.acme.scope(), pytest.raises(BadFile, match="Fjordhus"):
        intake.import_file(json.dumps(other).encode(), "halden", by="Kari", update=True)
    assert both.acme.read(quote).current_revision == 1


def test_the_newest_of_a_long_conversation_is_on_the_page(stage):
    quote, link = stage.acme.quote()
    with stage.acme.scope():
        for number in range(201):
            conversations.answer(quote, f"Answer number {number} of many", by="Kari")
    text = stage.visitor().get(link).text
    assert "Answer number 200 of many" in text
    assert text.index("Answer number 199 ") < text.index("Answer number 200 ")


def test_names_of_several_lines_still_get_mail(both):
    """A file may break a name over lines; a header of a mail may not."""
    value = content_for(MARIT, number="Q-77").model_dump(mode="json", exclude_defaults=True)
    value["buyer"] = {"name": "Nordlys\nCafé AS"}
    value["customer"] = {
        "contacts": [{"name": "Ana\nPereira \u202e", "email": "ana@nordlys.example"}]
    }
    with both.acme.scope():
        intake.import_file(json.dumps(value).encode(), "halden", by="Kari")
    assert both.command("document", "send", "halden", "quote", "Q-77").exit_code == 0
    both.deliver()
    letters = both.letters_to("ana@nordlys.example")
    assert len(letters) == 1
    link = link_in(letters[0])
    assert both.visitor().post(f"{link}/decline", {"revision": "1"}).status == 303
    both.deliver()
    assert {mail.state for mail in both.acme.mails()} == {"sent"}


def test_an_invoice_that_was_nothing_and_is_something_now_is_owed(stage):
    nothing = content_for(MARIT, Kind.INVOICE, lines=[], taxes=[], totals={"payable": 0})
    invoice = stage.acme.document(MARIT, content=nothing)
    assert stage.acme.read(invoice).state == "paid"
    stage.acme.revise(invoice, content_for(MARIT, Kind.INVOICE))
    assert stage.acme.read(invoice).state == "posted"


def test_a_long_address_in_a_header_does_not_stop_the_log(raise_curtain, clock, backend):
    stage = raise_curtain(backend, PORTICO_PROXY_HOPS="1")
    _, link = stage.acme.quote()
    assert stage.visitor(**{"X-Forwarded-For": "y" * 300}).get(link).status == 200
    assert "view_quote" in [row.type for row in stage.acme.log()]
    assert stage.visitor(**{"X-Forwarded-For": "y" * 300}).post(f"{link}/accept", YES).status == 303


def test_a_late_worker_does_not_queue_again_what_another_sent(stage, clock, monkeypatch):
    quote = stage.acme.document(MARIT)
    stage.acme.send(quote, MARIT)
    (mail,) = stage.acme.mails()
    send = transport.send

    def slow(letter, envelope):
        monkeypatch.setattr(transport, "send", send)
        clock.advance(minutes=10)
        with stage.acme.scope():
            assert delivery.deliver(mail.id) is MailState.SENT
        raise NotSent("time-out")

    monkeypatch.setattr(transport, "send", slow)
    with stage.acme.scope():
        delivery.deliver(mail.id)
    assert [one.state for one in stage.acme.mails()] == ["sent"]
    assert len(stage.letters_to(MARIT)) == 1


def test_a_tenant_that_cannot_be_reached_holds_up_nobody_else(stage):
    with stage.acme.scope():
        activity.note(Entry(Activity.VIEW_QUOTE, ActorKind.CUSTOMER))
    with stage.bolt.scope():
        activity.note(Entry(Activity.VIEW_QUOTE, ActorKind.CUSTOMER))
    stage.bolt.send(stage.bolt.document(BEA), BEA)
    url = stage.acme.database_url
    stage.move(stage.acme, f"sqlite:///{stage.folder}/nowhere/gone.db")
    assert stage.work() == 1
    assert "sent" in [mail.state for mail in stage.bolt.mails()]
    with stage.bolt.scope(), contextlib.suppress(SQLAlchemyError):
        activity.flush()
    assert "view_quote" in [row.type for row in stage.bolt.rows(AccessLog)]
    stage.move(stage.acme, url)
    assert "view_quote" in [row.type for row in stage.acme.log()]

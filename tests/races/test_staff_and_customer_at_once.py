"""The team changes a quote in the moment its customer answers: one of the two holds, not half of each."""

from __future__ import annotations

import datetime as dt
import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Thread

import pytest
import sqlalchemy as sa

from portico.db import db, unit_of_work
from portico.records.activity import Activity, ActorKind
from portico.records.customer import Customer
from portico.records.decision import Answer, Decision, Via
from portico.refusals import Refusal
from portico.services import (
    activity,
    activity_chain,
    conversations,
    decisions,
    documents,
    intake,
    links,
    sending,
)
from portico.services.activity import Entry
from portico.services.actors import Actor
from portico.services.decisions import Signatory
from tests.cast import MARIT, content_for

STAFF = {
    "void": lambda quote: documents.void(quote, by="Kari"),
    "extend": lambda quote: documents.extend(quote, dt.date(2027, 1, 1), by="Kari"),
}


def _actor(company, quote):
    link = next(one for one in company.links() if one.document_id == quote)
    return Actor(
        via=Via.LINK,
        organization_id=link.organization_id,
        customer_id=link.customer_id,
        contact_id=link.contact_id,
        contact_name="Marit Solberg",
        contact_email=MARIT.email,
        document_id=quote,
        link_id=link.id,
    )


@pytest.mark.parametrize("change", STAFF)
def test_a_quote_is_answered_or_changed(both, change):
    company = both.acme
    for number in range(8):
        quote = company.document(MARIT, external_id=f"{change}-{number}")
        company.send(quote, MARIT)
        actor = _actor(company, quote)
        ready = Barrier(2)

        def accept(actor=actor, ready=ready):
            with company.scope():
                ready.wait(10)
                decisions.decide(actor, Answer.ACCEPTED, Signatory("Marit"), seen=1)

        def alter(quote=quote, ready=ready):
            with company.scope():
                ready.wait(10)
                STAFF[change](quote)

        with ThreadPoolExecutor(2) as pool:
            outcomes = [one.exception(30) for one in (pool.submit(accept), pool.submit(alter))]
        assert [outcome is None for outcome in outcomes].count(True) == 1, outcomes
        assert all(isinstance(one, Refusal) for one in outcomes if one)
        head = company.read(quote)
        answers = [one for one in company.rows(Decision) if one.document_id == quote]
        assert (
            (head.state == "accepted")
            == (len(answers) == 1)
            == (head.current_revision == 1 and head.state != "withdrawn")
        )


def test_a_link_that_is_revoked_in_between_decides_nothing(both):
    quote, _ = both.acme.quote()
    actor = _actor(both.acme, quote)  # the gate let it in
    with both.acme.scope():
        links.revoke_for_document(quote, by="Kari")
        with pytest.raises(Refusal):
            decisions.decide(actor, Answer.ACCEPTED, Signatory("Marit"), seen=1)
    assert both.acme.rows(Decision) == []
    assert both.acme.read(quote).state == "sent"


def test_sending_and_answering_at_once_is_no_deadlock(both):
    quote, _ = both.acme.quote()
    actor = _actor(both.acme, quote)
    contact = both.acme.contact(MARIT).id

    def send():
        with both.acme.scope():
            sending.send(quote, [contact], by="Kari")

    def answer():
        with both.acme.scope():
            decisions.decide(actor, Answer.ACCEPTED, Signatory("Marit"), seen=1)

    with ThreadPoolExecutor(8) as pool:
        for one in [pool.submit(job) for job in (send, answer) * 8]:
            one.result(30)
    assert len(both.acme.rows(Decision)) == 1


def test_the_log_verifies_while_it_grows(both):
    stop = Event()

    def grow():
        while not stop.is_set():
            with both.acme.scope(), unit_of_work():
                activity.record(Entry(Activity.VIEW_QUOTE, ActorKind.SYSTEM))

    writer = Thread(target=grow)
    writer.start()
    try:
        for _ in range(25):
            with both.acme.scope():
                assert activity_chain.verify().problem is None
    finally:
        stop.set()
        writer.join()


def test_two_imports_that_meet_a_new_customer_make_one(both):
    ready = Barrier(4)

    def bring(number):
        value = content_for(MARIT, number=f"Q-{number}").model_dump(
            mode="json", exclude_defaults=True
        )
        value["buyer"] = {"name": "Newcomer AS"}
        with both.acme.scope():
            ready.wait(10)
            intake.import_file(json.dumps(value).encode(), "halden", by="Kari")

    with ThreadPoolExecutor(4) as pool:
        for one in [pool.submit(bring, number) for number in range(4)]:
            one.result(30)
    with both.acme.scope():
        named = sa.select(sa.func.count(Customer.id)).where(Customer.name == "Newcomer AS")
        assert db.session.scalar(named) == 1


def test_a_question_that_comes_while_one_is_answered_still_waits(both):
    company = both.acme
    for number in range(8):
        quote = company.document(MARIT, external_id=f"asked-{number}")
        company.send(quote, MARIT)
        actor = _actor(company, quote)
        with company.scope():
            seen = conversations.ask(actor, "Is it oak?").id
        ready = Barrier(2)

        def ask(actor=actor, ready=ready):
            with company.scope():
                ready.wait(10)
                conversations.ask(actor, "And the skirting?")

        def answer(quote=quote, ready=ready, seen=seen):
            with company.scope():
                ready.wait(10)
                conversations.answer(quote, "It is.", by="Kari", seen=seen)

        with ThreadPoolExecutor(2) as pool:
            outcomes = [one.exception(30) for one in (pool.submit(ask), pool.submit(answer))]
        assert outcomes == [None, None]
        assert company.read(quote).asked_at is not None

"""Answers to one request, and the team's word on them, all in the same moment: none is lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from portico.records.content import Kind
from portico.records.decision import Via
from portico.records.mail import MailKind
from portico.records.request import RequestAnswer, RequestItem
from portico.refusals import Refusal
from portico.services import requests
from portico.services.actors import Actor
from tests.cast import MARIT, content_for

ITEMS = [{"name": f"Item {number}"} for number in range(1, 5)]


def test_answers_and_verdicts_come_one_after_another(both):
    company = both.acme
    content = content_for(
        MARIT, Kind.REQUEST, number="R-1", lines=[], taxes=[], totals={"payable": 0},
        request={"items": ITEMS},
    )  # fmt: skip
    request = company.document(MARIT, Kind.REQUEST, content=content)
    company.send(request, MARIT)
    (link,) = company.links()
    actor = Actor(
        via=Via.LINK,
        organization_id=link.organization_id,
        customer_id=link.customer_id,
        contact_id=link.contact_id,
        contact_name="Marit Solberg",
        contact_email=MARIT.email,
        document_id=request,
        link_id=link.id,
    )

    def at_once(*deeds):
        ready = Barrier(len(deeds))

        def do(deed):
            with company.scope():
                ready.wait(10)
                deed()

        with ThreadPoolExecutor(len(deeds)) as pool:
            return [one.exception(60) for one in [pool.submit(do, deed) for deed in deeds]]

    # Everybody answers everything, some with other words, some by a second click: all words are
    # kept once, and each item is there once.
    assert not any(
        at_once(
            *(
                lambda number=number, words=words: requests.answer(actor, number, words, seen=1)
                for number, words in (
                    *((number, "Yes") for number in (1, 2, 3, 4, 3, 4)),
                    (1, "No"),
                    (2, "No"),
                )
            )
        )
    )
    assert sorted(one.position for one in company.rows(RequestItem)) == [1, 2, 3, 4]
    assert len(company.rows(RequestAnswer)) == 6
    told = [one for one in company.mails() if one.kind == MailKind.REQUEST_ANSWERED_STAFF]
    assert len(told) == 1

    # The customer corrects an answer in the moment the team takes it: one of the two comes first.
    item = next(one for one in company.rows(RequestItem) if one.position == 1)
    seen = max(one.id for one in company.rows(RequestAnswer) if one.item_id == item.id)
    outcomes = at_once(
        lambda: requests.answer(actor, 1, "Neither", seen=1),
        lambda: requests.accept(request, 1, seen=seen, by="Kari"),
    )
    assert [outcome is None for outcome in outcomes].count(True) == 1, outcomes
    assert all(isinstance(one, Refusal) for one in outcomes if one)
    state = next(one.state for one in company.rows(RequestItem) if one.position == 1)
    assert state == ("answered" if outcomes[0] is None else "accepted")

    # The last verdicts together complete it.
    newest = {
        item.position: max(one.id for one in company.rows(RequestAnswer) if one.item_id == item.id)
        for item in company.rows(RequestItem)
    }
    assert not any(
        at_once(
            *(
                lambda number=number: requests.accept(
                    request, number, seen=newest[number], by="Kari"
                )
                for number in newest
            )
        )
    )
    assert company.read(request).state == "completed"

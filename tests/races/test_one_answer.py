"""L3, L7: 32 people answer one quote at once, over two server processes; one answer stands.

``PORTICO_TEST_ROUNDS=1000`` makes it 1,000 rounds.
"""

from __future__ import annotations

import os
import random

import pytest

from portico.records.activity import AccessLog
from portico.records.decision import Decision
from portico.records.mail import Mail
from tests.cast import MARIT
from tests.crowd import Crowd, running

ROUNDS = int(os.environ.get("PORTICO_TEST_ROUNDS", "40"))
FORM = {"name": "Marit Solberg", "revision": "1"}


@pytest.mark.parametrize("backend", ["sqlite", "postgres"])
def test_of_32_answers_at_once_one_stands_and_everybody_is_told_the_truth(raise_curtain, backend):
    stage = raise_curtain(backend, PORTICO_PROXY_HOPS="1")
    acme = stage.acme
    chance = random.Random(7)
    links = []
    for number in range(ROUNDS):
        quote = acme.document(MARIT, external_id=f"race-{number}")
        links.append((quote, [acme.copy(quote, hours=24 * 30) for _ in range(2)]))
    answers = ["accept"] * 16 + ["decline"] * 16
    with running(stage, processes=2) as ports, Crowd(ports) as crowd:
        told = {}
        for quote, pair in links:
            chance.shuffle(answers)
            urls = [f"{pair[number % 2]}/{answer}" for number, answer in enumerate(answers)]
            told[quote] = list(zip(list(answers), crowd.post(urls, [FORM] * 32), strict=True))
    decisions = {decision.document_id: decision for decision in acme.rows(Decision)}
    assert len(acme.rows(Decision)) == len(decisions) == ROUNDS
    for quote, replies in told.items():
        decision = decisions[quote]
        assert decision.reversed_at is None
        assert acme.read(quote).state == decision.answer
        for answer, reply in replies:
            if decision.answer.startswith(answer):
                assert reply.status == 303
            else:
                assert reply.status == 409
                assert f"already {decision.answer}" in reply.text
    # One line in the log and one receipt for either side, and no more.
    answered = [row for row in acme.log() if row.type in {"approve_quote", "decline_quote"}]
    assert sorted(row.document_id for row in answered) == sorted(decisions)
    for kind in ("decision_receipt_staff", "decision_receipt_customer"):
        mailed = [mail.document_id for mail in acme.rows(Mail) if mail.kind == kind]
        assert sorted(mailed) == sorted(decisions)
    assert stage.command("activity", "verify").exit_code == 0
    if ROUNDS >= 40:  # with fewer, chance may give all of them to one side
        assert {one.answer for one in decisions.values()} == {"accepted", "declined"}
    assert len(acme.rows(AccessLog)) >= 2 * ROUNDS


@pytest.mark.parametrize("backend", ["sqlite", "postgres"])
def test_questions_asked_at_once_are_all_kept_and_the_log_stays_whole(raise_curtain, backend):
    stage = raise_curtain(backend, PORTICO_PROXY_HOPS="1")
    quote = stage.acme.document(MARIT)
    links = [stage.acme.copy(quote) for _ in range(32)]
    with running(stage, processes=2) as ports, Crowd(ports) as crowd:
        for turn in range(4):
            forms = [{"question": f"Question {number}, part {turn}"} for number in range(32)]
            replies = crowd.post([f"{link}/ask" for link in links], forms)
            assert {reply.status for reply in replies} == {303}
    assert len(stage.acme.mails()) == 128
    assert stage.command("activity", "verify").exit_code == 0

"""Mail under kill -9 and with several workers: none lost, no dead link, doubles recognisable."""

from __future__ import annotations

from collections import defaultdict

import pytest

from portico.services import delivery, outbox
from tests.cast import MARIT, link_in
from tests.crowd import end, until, working


@pytest.fixture
def live_both(raise_curtain, backend):
    return raise_curtain(backend)


def _queue(stage, count):
    """One quote, sent so many times: each mail has a link of its own, the PDF is made once."""
    quote = stage.acme.document(MARIT)
    for _ in range(count):
        stage.acme.send(quote, MARIT)


def _all_sent(stage):
    return {mail.state for mail in stage.acme.mails()} == {"sent"}


def _check(stage, count):
    """All mails came, each with a link of its own that opens; doubles share one Message-ID."""
    by_id = defaultdict(list)
    for letter in stage.inbox.messages:
        by_id[letter.message["Message-ID"]].append(letter)
    assert sorted(by_id) == sorted(mail.message_id for mail in stage.acme.mails())
    assert len(by_id) == count
    links = set()
    for number, letters in enumerate(by_id.values()):
        (link,) = {link_in(letter) for letter in letters}
        assert stage.visitor(f"203.0.113.{number}").get(link).heading == "Q-2041"
        links.add(link)
    assert len(links) == count
    return by_id


def _until_there_are_more(messages, known):
    until(lambda: len(messages) > known)


def test_a_worker_killed_while_it_sends_loses_nothing(live_both):
    stage = live_both
    count = 6
    _queue(stage, count)
    for stage_of_talk in ("answer", "DATA", "EHLO", "answer"):
        stage.inbox.hang(at=stage_of_talk)
        known = len(stage.inbox.messages)
        with working(stage) as worker:
            if stage_of_talk == "answer":
                _until_there_are_more(stage.inbox.messages, known)
            else:
                until(lambda: any(mail.state == "sending" for mail in stage.acme.mails()))
            worker.kill()
            worker.wait()
        stage.inbox.behave()
    with working(stage):
        until(lambda: _all_sent(stage))
    by_id = _check(stage, count)
    assert any(len(letters) > 1 for letters in by_id.values()), "nobody was killed after sending"


def test_two_workers_at_once_send_each_mail_once(live_both):
    stage = live_both
    count = 40
    with working(stage) as first, working(stage) as second:
        _queue(stage, count)
        until(lambda: _all_sent(stage), 60)
        assert first.poll() is None
        assert second.poll() is None
    by_id = _check(stage, count)
    assert {len(letters) for letters in by_id.values()} == {1}


def test_who_was_too_slow_leaves_the_outcome_to_whoever_took_over(both, clock):
    _queue(both, 1)
    (mail,) = both.acme.mails()
    with both.acme.scope():
        assert outbox.claim(mail.id)
        clock.advance(seconds=31)
        assert outbox.claim(mail.id)  # the lease ran out; this one sends now
        for late in (delivery._skipped, delivery._not_sent):
            assert late(mail.id, 1, "the first found it wanting") == "sending"
    (mail,) = both.acme.mails()
    assert (mail.state, mail.attempts, mail.error) == ("sending", 2, None)
    clock.advance(seconds=31)
    both.deliver()
    assert _all_sent(both)


def test_told_to_stop_a_worker_finishes_what_it_is_at(live):
    live.inbox.hang(at="answer")
    _queue(live, 1)
    with working(live) as worker:
        until(lambda: len(live.inbox.messages) == 1)
        worker.terminate()
        live.inbox.behave()
        assert worker.wait(20) == 0
    assert _all_sent(live)


def test_the_queue_may_be_in_redis(raise_curtain, redis_url):
    stage = raise_curtain(PORTICO_QUEUE_URL=redis_url)
    with working(stage) as worker:
        _queue(stage, 3)
        until(lambda: _all_sent(stage))
        end(worker)
    _check(stage, 3)


def test_a_queue_that_cannot_be_reached_loses_no_mail(raise_curtain):
    stage = raise_curtain(PORTICO_QUEUE_URL="redis://127.0.0.1:9/0")
    _queue(stage, 2)
    stage.deliver()
    _check(stage, 2)

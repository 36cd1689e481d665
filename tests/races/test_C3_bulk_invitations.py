"""Bulk invitations under kill -9, and started twice at once: everybody once, and one live link.

``PORTICO_TEST_ROUNDS=100`` kills the worker 100 times, over 2,000 invitations.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import sqlalchemy as sa

from portico import clock
from portico.db import db, unit_of_work
from portico.records.account import PortalAccount, SetupToken
from portico.records.batch import BatchItem, InvitationBatch
from portico.records.customer import Contact, Customer
from portico.refusals import Conflict
from portico.services import invitations, team
from tests.cast import WAY_IN, bodies
from tests.crowd import until, working

KILLS = int(os.environ.get("PORTICO_TEST_ROUNDS", "3"))
PEOPLE = KILLS * 20 if KILLS > 3 else 36


@pytest.fixture
def live_both(raise_curtain, backend):
    return raise_curtain(backend)


def _settle(company, count):
    """So many customers with a person each; those of the cast are switched off."""
    with company.scope(), unit_of_work():
        organization = team.find_organization("halden").id
        db.session.execute(sa.update(Customer).values(is_active=False))
        common = {"organization_id": organization, "created_at": clock.now()}
        named = [common | {"name": f"Customer {number:05}"} for number in range(count)]
        insert = sa.insert(Customer).returning(Customer.id, sort_by_parameter_order=True)
        customers = db.session.execute(insert, named).scalars().all()
        people = [
            common
            | {
                "customer_id": customer,
                "name": f"Person {number}",
                "email": f"person{number}@customers.example",
                "role": "",
            }
            for number, customer in enumerate(customers)
        ]
        db.session.execute(sa.insert(Contact), people)
    return organization


def _start(company, organization):
    with company.scope():
        return invitations.start(organization, by="Kari").id


def _is_finished(company, batch_id):
    with company.scope():
        return db.session.get_one(InvitationBatch, batch_id).finished_at is not None


def _until_there_are(messages, enough):
    until(lambda: len(messages) >= enough, 60)


def _check(stage, count):
    """Everybody has one mail, all copies of it carry one link, and that link works."""
    by_id = defaultdict(list)
    for letter in stage.inbox.messages:
        by_id[letter.message["Message-ID"]].append(letter)
    mails = stage.acme.mails()
    assert len(mails) == count
    assert {mail.message_id for mail in mails} == set(by_id)
    assert len({letters[0].recipients[0] for letters in by_id.values()}) == count
    for number, letters in enumerate(by_id.values()):
        (link,) = {url for one in letters for part in bodies(one) for url in WAY_IN.findall(part)}
        page = stage.visitor(f"10.1.{number // 250}.{number % 250}").get(link)
        assert page.status == 200, "a dead link was mailed"
    with stage.acme.scope():
        live = db.session.execute(
            sa.select(sa.func.count(SetupToken.id))
            .where(SetupToken.used_at.is_(None), SetupToken.voided_at.is_(None))
            .group_by(SetupToken.account_id)
        ).scalars()
        assert list(live) == [1] * count, "two links of somebody work"
    return sum(len(letters) for letters in by_id.values()) - count


def test_a_worker_killed_again_and_again_invites_everybody_once(live_both, record_property):
    stage = live_both
    batch = _start(stage.acme, _settle(stage.acme, PEOPLE))
    killed = 0
    for number in range(1, KILLS + 1):
        enough = PEOPLE * number // (KILLS + 1)
        with working(stage) as worker:
            _until_there_are(stage.inbox.messages, enough)
            worker.kill()
            worker.wait()
        killed += not _is_finished(stage.acme, batch)
    with working(stage):
        until(lambda: _is_finished(stage.acme, batch), 120)
    assert killed == KILLS
    doubles = _check(stage, PEOPLE)
    record_property("mails that came twice", doubles)
    assert Counter(item.state for item in stage.acme.rows(BatchItem)) == {"sent": PEOPLE}


def test_two_batches_at_once_share_the_people(live_both):
    stage, crowd = live_both, 4
    count = 30
    organization = _settle(stage.acme, count)
    barrier = Barrier(crowd)

    def start(_number):
        barrier.wait(20)
        try:
            return _start(stage.acme, organization)
        except Conflict:
            return None

    with ThreadPoolExecutor(crowd) as threads:
        started = [one for one in threads.map(start, range(crowd)) if one is not None]
    items = stage.acme.rows(BatchItem)
    assert len(items) == len({item.contact_id for item in items}) == count
    assert {item.batch_id for item in items} == set(started)
    assert len(stage.acme.rows(PortalAccount)) == count
    stage.deliver()
    assert _check(stage, count) == 0
    assert all(_is_finished(stage.acme, one) for one in started)

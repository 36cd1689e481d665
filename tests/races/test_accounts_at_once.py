"""A3-A7 at once: one token is spent once, and nothing that was ended comes back."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from portico.records.account import (
    PortalAccount,
    PortalSession,
    ResetToken,
    SetupToken,
    TokenPurpose,
)
from portico.records.decision import Via
from portico.records.mail import Mail
from portico.services import accounts, credentials, delivery, outbox
from portico.services.account_tokens import TokenSpent
from portico.services.activity import Visitor
from portico.services.actors import Actor, is_live
from tests.cast import MARIT, OLAF, PASSWORD
from tests.crowd import until, working

ROUNDS = int(os.environ.get("PORTICO_TEST_ROUNDS", "8"))
OTHER = "the oak door sticks in autumn"
BROWSER = Visitor("203.0.113.7", "Firefox")


def _at_once(*jobs):
    """Do them in the same moment; what each returned or raised."""
    ready = Barrier(len(jobs))

    def run(job):
        ready.wait(30)
        return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        waiting = [pool.submit(run, job) for job in jobs]
        return [one.exception(60) or one.result() for one in waiting]


def _in(company, call, *words, **options):
    def job():
        with company.scope():
            return call(*words, **options)

    return job


def _live(company):
    with company.scope():
        return [one for one in company.rows(PortalSession) if is_live(one)]


def _open_tokens(company):
    return [
        one
        for table in (SetupToken, ResetToken)
        for one in company.rows(table)
        if one.used_at is None and one.voided_at is None
    ]


def _account(company):
    return company.rows(PortalAccount)[0]


def _more_letters(stage, known):
    return lambda: len(stage.inbox.messages) > known


def _forgot(stage):
    company = stage.acme
    organization = company.contact(MARIT).organization_id
    with company.scope():
        accounts.ask_for_reset(organization, MARIT.email, BROWSER)
    stage.deliver()
    return stage.way_in(MARIT).partition("token=")[2]


def test_sixteen_posts_of_one_setup_link_make_one_session(both):
    new = {"password": PASSWORD, "again": PASSWORD}
    for _ in range(max(1, ROUNDS // 4)):
        both.acme.execute("DELETE FROM customer_portal_sessions")
        both.acme.execute("UPDATE customer_portal_accounts SET set_up_at = NULL")
        link = both.acme.invite(MARIT)
        visitors = [both.visitor(f"10.0.0.{number}") for number in range(16)]
        pages = [visitor.get(link) for visitor in visitors]
        answers = _at_once(
            *(
                lambda visitor=visitor, page=page: visitor.fill_in(page, new).status
                for visitor, page in zip(visitors, pages, strict=True)
            )
        )
        assert sorted(answers) == [303] + [410] * 15
        assert len(both.acme.rows(PortalSession)) == 1
        assert _open_tokens(both.acme) == []


def test_a_reset_and_a_disabling_leave_nobody_signed_in(both):
    both.acme.account()
    for number in range(ROUNDS):
        account = _account(both.acme)
        with both.acme.scope():
            accounts.enable(account.id, by="Kari")
        both.acme.execute("DELETE FROM customer_portal_password_reset_tokens")
        token = _forgot(both)
        password = f"{OTHER} {number}"
        outcomes = _at_once(
            _in(both.acme, credentials.set_password, TokenPurpose.RESET, token, password,
                BROWSER),
            _in(both.acme, accounts.disable, account.id, by="Kari"),
        )  # fmt: skip
        assert outcomes[1] is None, outcomes
        assert isinstance(outcomes[0], str | TokenSpent), outcomes
        assert not _account(both.acme).is_active
        assert _live(both.acme) == []
        assert _open_tokens(both.acme) == []


def test_invitations_that_go_out_at_once_leave_one_live_link(both):
    company = both.acme
    for _ in range(ROUNDS):
        contact = company.contact(MARIT).id
        invited = _at_once(*[_in(company, accounts.invite, contact, by="Kari")] * 4)
        assert not [one for one in invited if isinstance(one, Exception)], invited
        assert len(company.rows(PortalAccount)) == 1
        with company.scope():
            waiting = outbox.due()
        _at_once(*(_in(company, delivery.deliver, one) for one in waiting))
        assert len(_open_tokens(company)) == 1
        newest = company.rows(Mail)[-1]
        assert newest.state == "sent"
        assert newest.reference["token"] == _open_tokens(company)[0].id
        assert both.visitor().get(both.way_in(MARIT)).status == 200


def test_a_change_of_password_and_a_sign_in_leave_no_session_of_the_old_one(both):
    company = both.acme
    company.account()
    old, new = PASSWORD, OTHER
    organization = company.contact(MARIT).organization_id
    for _ in range(ROUNDS):
        with company.scope():
            credentials.sign_in(organization, MARIT.email, old, BROWSER)
        session, contact = company.rows(PortalSession)[-1], company.contact(MARIT)
        actor = Actor(
            Via.ACCOUNT, organization, contact.customer_id, contact.id, contact.name,
            contact.email, account_id=session.account_id, session_id=session.id,
        )  # fmt: skip
        outcomes = _at_once(
            _in(company, credentials.change_password, actor, old, new),
            *[_in(company, credentials.sign_in, organization, MARIT.email, old, BROWSER)] * 3,
        )
        assert not [one for one in outcomes if isinstance(one, Exception)], outcomes
        assert [one.id for one in _live(company)] == [session.id]
        old, new = new, old


SHUTS = {
    "the account": lambda company, contact, account: accounts.disable(account, by="Kari"),
    "the contact": lambda company, contact, account: accounts.withdraw_from_contact(
        contact, by="Kari"
    ),
    "the customer": lambda company, contact, account: accounts.withdraw_from_customer(
        company.customer(MARIT).id, by="Kari"
    ),
}


@pytest.mark.parametrize("what", SHUTS)
def test_a_sign_in_while_access_is_switched_off_leaves_no_session(both, what):
    company = both.acme
    company.account()
    organization, contact = company.contact(MARIT).organization_id, company.contact(MARIT).id
    account = _account(company).id
    for _ in range(ROUNDS):
        with company.scope():
            accounts.enable(account, by="Kari")
            accounts.open_for_contact(contact, by="Kari")
        outcomes = _at_once(
            *[_in(company, credentials.sign_in, organization, MARIT.email, PASSWORD, BROWSER)] * 3,
            _in(company, SHUTS[what], company, contact, account),
        )
        assert not [one for one in outcomes if isinstance(one, Exception)], outcomes
        assert _live(company) == []


def test_a_worker_killed_while_it_invites_forgets_nobody_and_mails_no_dead_link(
    raise_curtain, backend
):
    stage = raise_curtain(backend)
    people = (MARIT, OLAF)
    for person in people:
        contact = stage.acme.contact(person).id
        with stage.acme.scope():
            accounts.invite(contact, by="Kari")
    for talk in ("answer", "DATA"):
        stage.inbox.hang(at=talk)
        known = len(stage.inbox.messages)
        with working(stage) as worker:
            if talk == "answer":
                until(_more_letters(stage, known))
            else:
                until(lambda: any(mail.state == "sending" for mail in stage.acme.mails()))
            worker.kill()
            worker.wait()
        stage.inbox.behave()
    with working(stage):
        until(lambda: {mail.state for mail in stage.acme.mails()} == {"sent"})
    assert any(len(stage.letters_to(person)) > 1 for person in people)
    for number, person in enumerate(people):
        visitor = stage.visitor(f"203.0.113.{number}")
        done = visitor.fill_in(stage.way_in(person), {"password": PASSWORD, "again": PASSWORD})
        assert done.status == 303, "a dead link was mailed"

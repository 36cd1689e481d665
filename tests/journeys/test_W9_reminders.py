"""W9: reminders when a deadline approaches, once for each revision and day."""

from __future__ import annotations

import datetime as dt
from threading import Barrier, Thread

import pytest
import sqlalchemy as sa

from portico import worker
from portico.db import db
from portico.records.account import PortalAccount
from portico.records.activity import Activity
from portico.records.content import Kind
from portico.records.decision import Answer
from portico.records.mail import MailKind, MailState
from portico.records.notification import Notification, Reminder, Topic
from portico.records.payment import PaymentKind
from portico.services import (
    accounts,
    customers,
    decisions,
    documents,
    links,
    payments,
    reminders,
    team,
)
from portico.services.decisions import Signatory
from portico.services.payments import Money, Transfer
from portico.services.team import OrganizationFace
from tests.cast import BEA, CHIYO, MARIT, OLAF, Person, dearer

JONAS = Person("Jonas Dahl", "jonas@fjordhus.example", MARIT.customer, "halden", "acme")


def _reminded(acme, person):
    """Reminders that arrived at a person, newest last."""
    ids = {mail.message_id for mail in acme.mails() if mail.kind == MailKind.REMINDER}
    letters = acme.stage.letters_to(person)
    return [one for one in letters if one.message["Message-ID"] in ids]


def _in_bells(acme):
    return [one for one in acme.rows(Notification) if one.topic == Topic.REMINDER]


def test_whoever_holds_a_link_is_reminded_once_and_nobody_else(both, clock):
    acme = both.acme
    quote, link = acme.quote(MARIT)
    invoice = acme.document(MARIT, Kind.INVOICE)
    acme.mailed(invoice, MARIT)
    acme.copy(acme.document(OLAF, external_id="Q-2042"))  # belongs to no contact
    both.work()
    clock.advance(days=10, hours=23)  # the 23rd, nine in the morning in Oslo: three days are left
    assert acme.read(invoice).due_on == dt.date(2026, 11, 26)
    for _ in range(2):
        both.work()
        clock.advance(hours=3)
    subjects = [one.message["Subject"] for one in _reminded(acme, MARIT)]
    assert sorted(subjects) == [
        "Due on 26 Nov 2026: invoice INV-1007",
        "Open until 26 Nov 2026: quote Q-2041",
    ]
    fresh = both.link_to(MARIT)
    assert fresh != link
    assert both.visitor().get(link).status == 410
    assert both.visitor().get(fresh).status == 200
    for person in (OLAF, CHIYO, BEA):
        assert _reminded(both.company_of(person), person) == []
    # More time is another day, and is told again when that one is near.
    with acme.scope():
        documents.extend(quote, dt.date(2026, 12, 1), by="Kari")
    for _ in range(8):
        both.work()
        clock.advance(days=1)
    subjects = [one.message["Subject"] for one in _reminded(acme, MARIT)]
    assert subjects[2:] == ["Open until 1 Dec 2026: quote Q-2041"]


def test_accounts_read_it_in_the_bell_and_by_mail_as_they_chose(acme, clock):
    with acme.scope():
        team.add_contact("halden", JONAS.customer, JONAS.name, JONAS.email)
    acme.account(JONAS)
    acme.account(MARIT)
    acme.execute(
        "UPDATE customer_portal_accounts SET mail_reminders = false WHERE email = :email",
        email=MARIT.email,
    )
    acme.quote(MARIT)
    clock.advance(days=12)
    acme.stage.work()
    names = {one.id: one.email for one in acme.rows(PortalAccount)}
    assert sorted(names[one.account_id] for one in _in_bells(acme)) == [JONAS.email, MARIT.email]
    newest = acme.stage.letters_to(JONAS)[-1].message
    assert newest["Subject"] == "Quote Q-2041 waits for your answer until 26 Nov 2026."
    assert _reminded(acme, MARIT) == _reminded(acme, JONAS) == [], "an account needs no link"
    assert "waits" not in acme.stage.letters_to(MARIT)[-1].message["Subject"]


def _end(acme, quote, over):
    if over == "withdrawn":
        documents.void(quote, by="Kari")
    elif over == "decided":
        yes, who = Answer.ACCEPTED, Signatory("Marit")
        decisions.record_offline(quote, yes, who, by="Kari", note="By phone.")
    elif over == "revoked":
        links.revoke_for_document(quote, by="Kari")
    elif over == "contact off":
        customers.switch_contact(acme.contact(MARIT).id, on=False, by="Kari")
    elif over == "customer off":
        customers.switch(acme.customer(MARIT).id, on=False, by="Kari")
    elif over == "account off":
        accounts.disable(accounts.invite(acme.contact(MARIT).id, by="Kari").id, by="Kari")
    elif over == "switched off here":
        team.change_organization("halden", OrganizationFace(remind_quote_days=0))


@pytest.mark.parametrize(
    "over",
    ["withdrawn", "decided", "revised", "revoked", "ended", "contact off", "customer off",
     "account off", "switched off here", "far away", "too late", "never sent", "at night"],
)  # fmt: skip
def test_nobody_is_reminded_of_what_is_over(acme, clock, over):
    quote = acme.document(MARIT)
    link = None if over == "never sent" else acme.mailed(quote, MARIT)
    with acme.scope():
        _end(acme, quote, over)
    if over == "revised":
        acme.revise(quote, dearer(acme.content(quote)))
    if over == "ended":
        acme.stage.visitor().post(f"{link}/end")
    acme.stage.deliver()
    days = {"far away": 10, "too late": 15}.get(over, 12)
    clock.advance(days=days, hours=12 if over == "at night" else 0)
    if over == "at night":
        clock.advance(hours=4)  # one in the morning in Oslo
    acme.stage.work()
    assert [mail for mail in acme.mails() if mail.kind == MailKind.REMINDER] == []
    assert _in_bells(acme) == []


def test_what_is_settled_or_answered_while_the_mail_waits_is_not_mailed(acme, clock):
    invoice = acme.document(MARIT, Kind.INVOICE)
    acme.mailed(invoice, MARIT)
    clock.advance(days=12)
    with acme.scope():
        money = Money(PaymentKind.PAYMENT, 622_785, "EUR", dt.date(2026, 11, 20), "PAY-1")
        assert reminders.remind()
        payment = payments.record(acme.customer(MARIT).id, money, by="Kari")
        payments.allocate(Transfer(payment_id=payment.id, invoice_id=invoice), by="Kari")
    acme.stage.work()
    (mail,) = [one for one in acme.mails() if one.kind == MailKind.REMINDER]
    assert mail.state == MailState.SKIPPED
    assert _reminded(acme, MARIT) == []


def test_two_workers_at_once_remind_once(both, clock):
    acme = both.acme
    acme.account(OLAF)
    for number in range(5):
        acme.mailed(acme.document(MARIT, number=f"Q-{number}", external_id=f"Q-{number}"), MARIT)
        acme.mailed(acme.document(OLAF, number=f"O-{number}", external_id=f"O-{number}"), OLAF)
    clock.advance(days=12)
    start = Barrier(3)

    def work():
        with acme.scope():
            start.wait()
            reminders.remind()

    threads = [Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with acme.scope():
        kept = db.session.execute(sa.select(sa.func.count()).select_from(Reminder)).scalar_one()
    assert kept == 10
    assert len(_in_bells(acme)) == 5
    assert len([one for one in acme.mails() if one.kind == MailKind.REMINDER]) == 5


def test_a_pass_is_bounded_and_goes_on(acme, clock, monkeypatch):
    for number in range(5):
        acme.mailed(acme.document(MARIT, number=f"Q-{number}", external_id=f"Q-{number}"), MARIT)
    clock.advance(days=12)
    monkeypatch.setattr(reminders, "_AT_MOST", 2)
    told = []
    for _ in range(4):
        worker.sweep(acme.stage.app)
        told.append(len(_reminded(acme, MARIT)))
    assert told == [2, 4, 5, 5]


def test_the_team_sets_how_many_days_before(acme, clock):
    before = acme.dump()
    for wrong in ("-1", "61", "x"):
        assert acme.stage.command(
            "organization", "set", "halden", "--remind-quotes", wrong
        ).exit_code
    assert acme.dump() == before
    said = acme.stage.command(
        "organization",
        "set",
        "halden",
        "--remind-quotes",
        "7",
        "--remind-invoices",
        "0",
        "--as",
        "Kari",
    )
    assert said.exit_code == 0, said.output
    change = [row for row in acme.log() if row.type == Activity.UPDATE_ORGANIZATION][-1]
    assert change.actor == "Kari"
    assert change.details == {"fields": ["remind_invoice_days", "remind_quote_days"]}
    acme.quote(MARIT)
    acme.mailed(acme.document(MARIT, Kind.INVOICE), MARIT)
    clock.advance(days=8)
    acme.stage.work()
    clock.advance(days=6)
    acme.stage.work()
    assert len(_reminded(acme, MARIT)) == 1

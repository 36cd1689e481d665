"""C2, C4, C6, C8: lists are searched by ids, by ranges, among the newest and in bounds, as many as
there are. Whichever it is, what is found is what has the term."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pytest
import sqlalchemy as sa

from portico import clock
from portico.db import db, unit_of_work
from portico.queries import (
    console_activity,
    console_documents,
    console_invitations,
    console_mail,
    console_payments,
)
from portico.queries.console_payments import Which
from portico.records.activity import AccessLog, Activity, ActorKind, Label
from portico.records.content import Kind
from portico.records.customer import Contact, Customer
from portico.records.document import Document
from portico.records.mail import Mail
from portico.records.payment import Payment
from portico.services import activity
from portico.services.activity import Entry, Visitor
from tests.cast import CHIYO, MARIT, Company

# So small that every list has very many of everything.
TIGHT = {
    "portico.queries.search": {"MOST": 1, "_FEW_CUSTOMERS": 1, "_MOST_AT_HAND": 2},
    "portico.queries.console_documents": {"_MOST_NUMBERED": 1, "_FEW_CUSTOMERS": 0},
    "portico.queries.console_payments": {"_MOST_NUMBERED": 1, "_FEW_CUSTOMERS": 0},
    "portico.queries.console_mail": {"_FEW": 2, "_MORE": 9, "LOOKED_THROUGH": 7},
    "portico.queries.console_activity": {"_NAMES": 1, "_NAMESAKES": 1, "LOOKED_THROUGH": 7},
    "portico.queries.console_invitations": {"INVITED_AT_ONCE": 5, "LOOKED_THROUGH": 7},
}


@dataclass
class Stock:
    company: Company
    organization: int
    firms: dict[int, str]  # names of customers, by their ids

    def firm(self, row):
        return self.firms.get(row.customer_id, "")

    def with_term(self, term, table, *texts, order=None):
        """The ids of rows that have the term in some of these, the last first."""
        found = [
            row
            for row in self.company.rows(table)
            if row.organization_id == self.organization and _has(term, *(one(row) for one in texts))
        ]
        return [row.id for row in sorted(found, key=order or _id, reverse=True)]


@pytest.fixture(params=["usual", "tight"])
def stock(both, monkeypatch, request):
    acme = both.acme
    organization = acme.customer(MARIT).organization_id
    _fill(acme, organization)
    _fill(acme, acme.customer(CHIYO).organization_id, start=5000)
    for module, constants in TIGHT.items() if request.param == "tight" else ():
        for name, value in constants.items():
            monkeypatch.setattr(f"{module}.{name}", value)
    firms = {row.id: row.name for row in acme.rows(Customer) if row.organization_id == organization}
    with acme.scope():
        yield Stock(acme, organization, firms)


def test_documents(stock, subtests):
    for term in ("INV-0", "v-00", "bygg", "Hotell 0", "marina 03", "nobody's", "ås"):
        with subtests.test(term):
            assert _documents(stock.organization, term) == stock.with_term(
                term, Document, lambda row: row.number, stock.firm,
                order=lambda row: (row.issued_on, row.id),
            )  # fmt: skip


def test_payments(stock, subtests):
    for term in ("PAY-0", "y-00", "for inv", "13", "bygg 003", "Hotell 0", "nobody's", "ås"):
        with subtests.test(term):
            assert _payments(stock.organization, term) == stock.with_term(
                term, Payment, lambda row: row.number, lambda row: row.reference, stock.firm,
                order=lambda row: (row.received_on, row.id),
            )  # fmt: skip


def test_a_state_that_a_kind_does_not_have(stock):
    """Both are chosen in one form."""
    wanted = console_documents.Wanted(console_documents.Which.OVERDUE, Kind.QUOTE, term="INV-")
    assert console_documents.page(stock.organization, wanted, "UTC").rows == []


def test_what_others_have_hides_nothing(stock):
    """Documents of another organization, however many have the term in their numbers."""
    _execute(
        sa.update(Document)
        .where(Document.organization_id != stock.organization)
        .values(number="BYGG-" + sa.cast(Document.id, sa.String))
    )
    assert _documents(stock.organization, "bygg") == stock.with_term(
        "bygg", Document, stock.firm, order=lambda row: (row.issued_on, row.id)
    )


def test_everything_of_a_customer_is_paged_by_kind(stock):
    """However many payments and refunds there are of few customers."""
    one = Payment.customer_id == next(iter(stock.firms))
    whose = {row.id: row.customer_id for row in stock.company.rows(Payment)}
    _execute(sa.update(Payment).values(customer_id=min(stock.firms)).where(~one))
    _execute(sa.update(Payment).values(kind="refund").where(Payment.id % 3 == 0))
    kinds = {row.id: row.kind for row in stock.company.rows(Payment)}
    assert len(whose) == len(kinds)
    for which, kind in ((Which.PAYMENTS, "payment"), (Which.REFUNDS, "refund")):
        found = _payments(stock.organization, stock.firms[min(stock.firms)], which)
        assert found == stock.with_term(
            stock.firms[min(stock.firms)],
            Payment,
            lambda row, kind=kind: stock.firm(row) if row.kind == kind else "",
            order=lambda row: (row.received_on, row.id),
        )


def test_mail(stock, subtests):
    numbers = {row.id: row.number for row in stock.company.rows(Document)}
    emails = {row.id: row.email for row in stock.company.rows(Contact)}
    for term in ("person1", "INV-01", "old.example", "example", "person", "n2", "nobody's"):
        with subtests.test(term):
            assert _mails(stock.organization, term) == stock.with_term(
                term, Mail, lambda row: row.recipient or "", lambda row: emails[row.contact_id],
                lambda row: numbers[row.document_id],
            )  # fmt: skip


def test_people_to_invite(stock, subtests):
    for term in ("Person", "son 1", "person2@", "bygg", "ås", "n", "nobody's"):
        with subtests.test(term):
            assert _candidates(stock.organization, term) == stock.with_term(
                term, Contact, lambda row: row.name, lambda row: row.email or "", stock.firm
            )


def test_the_log(stock, subtests):
    rows = sorted(stock.company.rows(AccessLog), key=lambda row: (row.occurred_at, row.id))
    rows = [row for row in rows[::-1] if row.organization_id == stock.organization]
    for term, label, kind, firm in (
        ("person 1", None, None, ""), ("person", None, ActorKind.STAFF, ""),
        ("", None, None, "bygg"), ("", None, None, "Hotell 00"), ("s 3", None, None, ""),
        ("10.0.", None, ActorKind.CUSTOMER, ""), ("", Label.PREVIEW, ActorKind.CUSTOMER, ""),
        ("person", Label.PERSON, None, "ås"), ("", Label.PERSON, ActorKind.STAFF, "bygg"),
        ("1", Label.PREVIEW, None, ""), ("nobody's", None, None, ""), ("", None, None, ""),
    ):  # fmt: skip
        for types in ((), (Activity.VIEW_QUOTE,), (Activity.VIEW_QUOTE, Activity.LOGIN)):
            asked = console_activity.Filter(
                stock.organization, types, kind, label, customer=firm, term=term
            )
            with subtests.test(str(asked)):
                found = [line.id for line in console_activity.every(asked)]
                assert found == [row.id for row in rows if _fits(asked, row, stock.firm(row))]


def _fits(asked, row, firm):
    return (
        (_has(asked.term, row.actor, row.ip or "") or row.session_id == asked.term)
        and _has(asked.customer, firm)
        and asked.label in {None, row.label}
        and asked.actor_kind in {None, row.actor_kind}
        and (not asked.types or row.type in asked.types)
    )


def _has(term, *texts):
    return any(term.casefold() in text.casefold() for text in texts)


def _id(row):
    return row.id


def _fill(company, organization, start=1000):
    """Forty firms with what is theirs; what is theirs is by day in another order than by id."""
    new = {"organization_id": organization, "created_at": clock.now()}
    on = [clock.today("UTC") - dt.timedelta(days=n * 17 % 31) for n in range(40)]
    firms = {
        start + n: f"{('Bygg', 'Hotell', 'Marina')[n % 3]} {n:03} {'Ås' if n % 2 else ''}".strip()
        for n in range(40)
    }
    rows = {
        Customer: [
            {**new, "id": one, "name": name, "is_active": True, "portal_enabled": True}
            for one, name in firms.items()
        ],
        Contact: [
            {**new, "id": one, "customer_id": one, "name": f"Person {n}", "is_active": True,
             "email": f"person{n}@{'old' if n % 4 else 'new'}.example", "portal_access": False}
            for n, one in enumerate(firms)
        ],
        Document: [
            {**new, "id": one, "customer_id": start + n * 7 % 40, "kind": "invoice", "title": "",
             "external_id": f"{one}", "number": f"INV-{n:03}", "state": "sent", "currency": "EUR",
             "total": 1, "payable": 1, "balance": 1, "issued_on": on[n], "due_on": on[n],
             "current_revision": 1, "sent_revision": 1, "posted_at": clock.now()}
            for n, one in enumerate(firms)
        ],
        Payment: [
            {**new, "id": one, "customer_id": start + n * 3 % 40, "kind": "payment",
             "external_id": f"P-{one}", "number": f"PAY-{n:03}", "method": "", "currency": "EUR",
             "reference": f"for INV-{n * 9 % 40:03}", "amount": 1, "unallocated": 0,
             "received_on": on[n], "created_by": "the test"}
            for n, one in enumerate(firms)
        ],
        Mail: [
            {**new, "id": one, "kind": "document_sent", "customer_id": one, "document_id": one,
             "contact_id": one, "reference": {}, "message_id": f"{one}@example", "state": "sent",
             "attempts": 1, "next_attempt_at": clock.now(), "sent_at": clock.now(),
             "recipient": f"person{n}@new.example" if n % 5 else None}
            for n, one in enumerate(firms)
        ],
    }  # fmt: skip
    with company.scope(), unit_of_work():
        for table, values in rows.items():
            db.session.execute(sa.insert(table), values)
        activity.record_all([
            Entry(
                Activity.VIEW_QUOTE if n % 4 else Activity.LOGIN,
                ActorKind.STAFF if n % 3 == 0 else ActorKind.CUSTOMER,
                f"Person {n % 12}", organization_id=organization, customer_id=one,
                session_id=f"s {n % 6}", visitor=Visitor(ip=f"10.0.0.{n}"),
                preview=n % 5 == 0,
            )
            for n, one in enumerate(firms)
        ])  # fmt: skip


def _execute(statement):
    with unit_of_work():
        db.session.execute(statement)


def _paged(page_at):
    """The ids of all pages; *page_at* gives those of one, and the key that leads on."""
    found, key = [], None
    while True:
        ids, key = page_at(key)
        found += ids
        if key is None:
            return found


def _documents(organization, term):
    def at(key):
        wanted = console_documents.Wanted(term=term)
        page = console_documents.page(organization, wanted, "UTC", beyond=key, size=7)
        return [row.face.id for row in page.rows], page.on

    return _paged(at)


def _payments(organization, term, which=Which.ALL):
    def at(key):
        page = console_payments.page(organization, which, term=term, beyond=key)
        return [row.id for row in page.rows], page.on

    return _paged(at)


def _mails(organization, term):
    def at(key):
        page = console_mail.page(console_mail.Filter(organization, term=term), key)
        return [row.id for row in page.rows], page.older

    return _paged(at)


def _candidates(organization, term):
    def at(key):
        found, on = console_invitations.candidates(organization, term=term, beyond=key)
        return [one.contact_id for one in found], on

    return _paged(at)

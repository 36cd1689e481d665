"""The console beside itself: a small tenant and one of 10,000 customers and 100,000 log rows.

Whole pages are asked for, as a member of the team does, in turns from both. The promise is a
ratio within one run: no list, no page deep in one, no filter and no search takes longer in the
large tenant than a full page of the same kind in the small one by more than a fifth.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from benchmarks.lists import best
from portico import clock, config
from portico.db import db, unit_of_work
from portico.queries import console_activity
from portico.records.account import PortalAccount
from portico.records.activity import Activity, ActorKind
from portico.records.customer import Contact, Customer
from portico.records.document import Document
from portico.records.mail import Mail, MailKind, MailState
from portico.records.payment import Payment
from portico.records.staff import Role, StaffTokenPurpose
from portico.services import activity, colleagues, staff, team, tenants
from portico.services.activity import Entry, Visitor
from portico.services.team import OrganizationFace

_ORIGIN = "http://127.0.0.1"
_EMAIL, _PASSWORD = "kari@bench.example", secrets.token_urlsafe(18)
_TOKEN = re.compile(r'name="csrf_token"\s+value="([^"]+)"')
_STARTS = (
    "Aas",
    "Berg",
    "Dal",
    "Eik",
    "Fjord",
    "Gran",
    "Hav",
    "Lind",
    "Nord",
    "Sol",
    "Tind",
    "Vik",
)
_ENDS = ("hus", "gård", "ås", "mark", "stad", "bakken", "lia", "nes", "holm", "vang")
_TRADES = ("Bygg", "Eiendom", "Marina", "Snekkeri", "Hotell", "Skole", "Handel")
_FIRST = ("Marit", "Olaf", "Ingrid", "Sverre", "Tuva", "Åse", "Håkon", "Liv", "Jon", "Ragnhild")
_TEAM = ("Kari Nilsen", "Per Lund", "Anna Moe")


@dataclass(frozen=True, slots=True)
class Size:
    slug: str
    customers: int
    documents: int  # and so many payments
    mails: int
    log: int


SMALL = Size("small", 60, 120, 160, 250)
LARGE = Size("large", 10_000, 20_000, 20_000, 100_000)


def run() -> None:
    with tempfile.TemporaryDirectory(prefix="portico-bench-") as folder:
        app = create_app(
            config.load({"PORTICO_INSTANCE": folder, "PORTICO_SECRET_KEYS": "bench" * 10})
        )
        pages = {size.slug: _pages(app, size) for size in (SMALL, LARGE)}
        print(f"{'best ms':34}{SMALL.slug:>9}{LARGE.slug:>9}{'ratio':>8}")
        for name in pages[LARGE.slug]:
            took = best({size.slug: pages[size.slug][name] for size in (SMALL, LARGE)})
            small, large = took[SMALL.slug], took[LARGE.slug]
            print(f"{name:34}{small:9.2f}{large:9.2f}{large / small:8.2f}", flush=True)


# --- what is asked for --------------------------------------------------------------------------


def _pages(app: Flask, size: Size) -> dict[str, Callable[[], object]]:
    """What is measured in one tenant, by what it is called."""
    with app.app_context():
        tenants.create(size.slug, size.slug.title(), f"{_ORIGIN}/t/{size.slug}")
    with tenants.tenant_scope(app, size.slug):
        way_in = _kari()
        print(f"making {size.customers:,} customers and {size.log:,} rows of log ...", flush=True)
        _fill(size)
        addresses = _addresses(size)
    client = _signed_in(app, way_in)
    return {
        name: lambda path=path: _ask(client, f"/t/{size.slug}/staff/{path}")  # type: ignore[misc]
        for name, path in addresses.items()
    }


def _ask(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status)


def _addresses(size: Size) -> dict[str, str]:
    """Below ``/staff/``: lists, places far down in them, filters, searches."""
    lists = {one: one for one in ("customers", "documents", "activity", "mail", "payments",
                                  "invitations")}  # fmt: skip
    return {**lists, **_far_down(size), **_one_or_none(size), **_many(size), **_filtered(size)}


def _far_down(size: Size) -> dict[str, str]:
    """Full pages nine tenths down; the small tenant has none so deep, and shows its first."""
    if size is SMALL:
        return {f"{name}, deep": name for name in ("customers", "documents", "activity", "mail")}
    names = sa.select(Customer.id).order_by(Customer.name.desc())
    customer = db.session.scalars(names.offset(size.customers // 10)).first()
    row = console_activity.page(console_activity.Filter(1), size=1).rows[0]
    early = console_activity.Key(row.at - _SPACE * (size.log * 9 // 10), row.id)
    day = clock.today("UTC") - dt.timedelta(days=900)
    return {
        "customers, deep": f"customers?beyond={customer}",
        "documents, deep": f"documents?beyond={day}~9",
        "activity, deep": f"activity?before={early}",
        "mail, deep": f"mail?before={_FIRST_MAIL + size.mails // 10}",
    }


def _one_or_none(size: Size) -> dict[str, str]:
    """Searches that find next to nothing."""
    last = size.customers - 1
    firm = _name(last).replace(" ", "+")
    return {
        "customers, one of them": f"customers?q=K-{last:05}",
        "customers, a contact": f"customers?q=person{last}@",
        "documents, of a customer": f"documents?q={firm}",
        "documents, part of a number": f"documents?q=-{size.documents // 3:06}",
        "activity, one contact": f"activity?q=Person+{last}+",
        "activity, an address": f"activity?q={_address(last)}",
        "activity, part of an address": f"activity?q={_address(last)[3:]}",
        "activity, a customer": f"activity?customer={firm}",
        "mail, one contact": f"mail?q=person{last}@",
        "mail, a number": f"mail?q=-{size.mails // 3:06}",
        "payments, of a customer": f"payments?q={firm}",
        "invitations, one contact": f"invitations?q=person{last}@",
        **{f"{one}, none": f"{one}?q=quixotic" for one in _SEARCHED},
        **{f"{one}, two letters of nobody": f"{one}?q=qx" for one in _SEARCHED},
    }


_SEARCHED = ("customers", "documents", "activity", "mail", "payments", "invitations")
# What a hundred have, some hundreds, every tenth, everybody; of one and two letters at the end.
_TERMS = ("Tuva Person 9", "hus Bygg", "Vik", "Marit", "Hotell", "person", "000", "99", "a")
# A search of the small tenant that fills a page, for a term that is as long.
_FULL = {
    "customers": ("K-0", "K-", "k"),
    "documents": ("INV-", "NV", "v"),
    "activity": ("person", "on", "n"),
    "mail": ("bench.ex", "be", "x"),
    "payments": ("KID", "P-", "k"),
    "invitations": ("bench.ex", "be", "x"),
}


def _many(size: Size) -> dict[str, str]:
    """Searches that fill a page, or could; beside one of the small tenant that does."""
    found = {}
    for one in _SEARCHED:
        for term in _TERMS:
            asked = term if size is LARGE else _FULL[one][max(0, 3 - len(term))]
            found[f"{one}, “{term}”"] = f"{one}?q={asked.replace(' ', '+')}"
    for term in ("Vik", "99", "Hotell"):
        asked = term if size is LARGE else "Bygg"[: len(term)]
        found[f"activity, customers “{term}”"] = f"activity?customer={asked}"
    return found


# With what a full page of the small tenant has beside it.
_FILTERED = {
    "documents?state=paid": "documents?state=paid",
    "documents?state=paid&q=inv-": "documents?state=paid&q=inv-",
    "documents?state=overdue": "documents?state=paid",
    "activity?label=preview": "activity",
    "activity?by=staff": "activity?by=staff",
    "activity?by=system": "activity",
    "activity?what=view_invoice&by=staff": "activity?what=view_invoice&by=customer",
    "activity?label=person&by=system": "activity?label=person&by=customer",
    "activity?what=send_document&q=person": "activity?what=view_invoice&q=person",
    "activity?by=customer&q=kari": "activity?by=customer&q=person",
    "activity?by=staff&customer=Hotell": "activity?by=customer&customer=Bygg",
    "mail?state=failed": "mail",
    "mail?state=failed&kind=document_sent": "mail?state=sent&kind=document_sent",
    "mail?state=sent&q=person1": "mail?state=sent&q=person",
    "payments?which=refunds": "payments",
    "payments?which=open&q=p-": "payments?which=payments&q=p-",
}


def _filtered(size: Size) -> dict[str, str]:
    return {name: name if size is LARGE else full for name, full in _FILTERED.items()}


# --- somebody who asks --------------------------------------------------------------------------


def _kari() -> str:
    """A member of the team who was just invited; the path of the way in."""
    with unit_of_work():
        face = OrganizationFace("Bench", email="b@bench.example")
        organization = team.create_organization("bench", face)
        db.session.flush()
        member = colleagues.invite("Kari Nilsen", _EMAIL, organization.id, Role.OWNER, by="bench")
        token = staff.new_token(member, StaffTokenPurpose.INVITATION, by="bench")
        staff.token_delivered(token)
        return staff.token_url(token).removeprefix(_ORIGIN)


def _signed_in(app: Flask, way_in: str) -> FlaskClient:
    client = app.test_client()
    found = _TOKEN.search(client.get(way_in).text)
    assert found is not None
    typed = {"csrf_token": found[1], "password": _PASSWORD, "again": _PASSWORD}
    headers = {"Origin": _ORIGIN, "Sec-Fetch-Site": "same-origin"}
    done = client.post(way_in, data=typed, headers=headers)
    assert done.status_code == 303, done.text
    return client


# --- what is in it ------------------------------------------------------------------------------

_SPACE = dt.timedelta(seconds=30)  # between two rows of the log
_FIRST_MAIL = 100
_AT_ONCE = 200  # rows of the log that have the same time


def _name(number: int) -> str:
    start, end = _STARTS[number % 12], _ENDS[number // 12 % 10]
    return f"{start}{end} {_TRADES[number * 31 % 7]} {number:05}"


def _person(number: int) -> str:
    return f"{_FIRST[number % 10]} Person {number} {_STARTS[number // 10 % 12]}"


def _address(number: int) -> str:
    return f"10.{number % 7}.{number // 250 % 250}.{number % 250}"


def _fill(size: Size) -> None:
    now = clock.now()
    rows = {
        Customer: _customers(size, now),
        Contact: _contacts(size, now),
        Document: _documents(size, now),
        Payment: _payments(size, now),
        Mail: _mails(size, now),
        PortalAccount: _accounts(size, now),
    }
    with unit_of_work():
        for table, some in rows.items():
            db.session.execute(sa.insert(table), list(some))
    with unit_of_work():
        for start in range(0, size.log, _AT_ONCE):
            with clock.at(now - _SPACE * (size.log - start)):
                numbers = range(start, min(start + _AT_ONCE, size.log))
                activity.record_all([_entry(number, size) for number in numbers])


def _customers(size: Size, now: dt.datetime) -> Iterator[dict[str, Any]]:
    for number in range(size.customers):
        yield {
            "id": number + 1, "organization_id": 1, "name": _name(number),
            "external_id": f"K-{number:05}", "is_active": True, "portal_enabled": True,
            "created_at": now,
        }  # fmt: skip


def _contacts(size: Size, now: dt.datetime) -> Iterator[dict[str, Any]]:
    for number in range(2 * size.customers):
        yield {
            "id": number + 1, "organization_id": 1, "customer_id": number // 2 + 1,
            "name": _person(number), "email": f"person{number}@bench.example", "is_active": True,
            "portal_access": number % 8 == 0, "role": "", "created_at": now,
        }  # fmt: skip


def _documents(size: Size, now: dt.datetime) -> Iterator[dict[str, Any]]:
    today = now.date()
    for number in range(size.documents):
        yield {
            "id": number + 1, "organization_id": 1, "customer_id": number % size.customers + 1,
            "kind": "invoice", "external_id": f"{number}", "number": f"INV-{number:06}",
            "state": "paid" if number % 10 else "sent", "currency": "EUR", "total": 10_000,
            "payable": 10_000, "balance": 0 if number % 10 else 10_000, "title": "",
            "issued_on": today - dt.timedelta(days=(size.documents - number) * 1000 // size.documents),
            "due_on": today, "current_revision": 1, "sent_revision": 1, "posted_at": now,
            "created_at": now,
        }  # fmt: skip


def _payments(size: Size, now: dt.datetime) -> Iterator[dict[str, Any]]:
    for number in range(size.documents):
        day = now.date() - dt.timedelta(days=(size.documents - number) * 1000 // size.documents)
        yield {
            "id": number + 1, "organization_id": 1, "customer_id": number % size.customers + 1,
            "kind": "payment" if number % 20 else "refund", "external_id": f"P-{number:06}",
            "number": f"P-{number:06}", "method": "bank transfer", "reference": f"KID {number:09}",
            "currency": "EUR", "amount": 10_000, "unallocated": 0, "received_on": day,
            "created_at": now, "created_by": "bench",
        }  # fmt: skip


def _mails(size: Size, now: dt.datetime) -> Iterator[dict[str, Any]]:
    for number in range(size.mails):
        contact = number % size.customers
        yield {
            "id": number + _FIRST_MAIL, "kind": MailKind.DOCUMENT_SENT.value, "organization_id": 1,
            "customer_id": contact // 2 + 1, "document_id": number % size.documents + 1,
            "contact_id": contact + 1, "reference": {}, "message_id": f"{number}@bench.example",
            "state": MailState.SENT.value, "attempts": 1, "next_attempt_at": now,
            "recipient": f"person{contact}@bench.example", "created_at": now, "sent_at": now,
        }  # fmt: skip


def _accounts(size: Size, now: dt.datetime) -> Iterator[dict[str, Any]]:
    """Of every eighth contact: half of them set up, half invited."""
    for number in range(0, 2 * size.customers, 8):
        yield {
            "organization_id": 1, "customer_id": number // 2 + 1, "contact_id": number + 1,
            "email": f"person{number}@bench.example", "is_active": True, "created_at": now,
            "created_by": "bench", "salutation": "", "mail_documents": True,
            "mail_decisions": True, "mail_messages": True, "mail_reminders": True,
            "set_up_at": now if number % 16 else None,
            "invitation_mail_id": number // 2 + _FIRST_MAIL,
        }  # fmt: skip


def _entry(number: int, size: Size) -> Entry:
    """Every third row is of the team."""
    contact = number * 17 % size.customers
    if number % 3 == 0:
        return Entry(
            Activity.SEND_DOCUMENT, ActorKind.STAFF, _TEAM[number % 9 // 3],
            organization_id=1, customer_id=contact + 1,
        )  # fmt: skip
    return Entry(
        Activity.VIEW_INVOICE, ActorKind.CUSTOMER, _person(contact), organization_id=1,
        customer_id=contact + 1, document_id=contact + 1,
        visitor=Visitor(ip=_address(contact), user_agent="Firefox/140.0"),
    )  # fmt: skip

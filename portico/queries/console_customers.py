"""Customers as the team sees them: found, listed, opened, and who of theirs gets in (spec C2, C3).

Lists are paged by name and id. A search looks through the names of one organization and the
addresses of its contacts, and stops as soon as a page is full.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from portico import clock
from portico.db import reading
from portico.queries import search
from portico.queries.faces import OrganizationFace
from portico.queries.lists import LARGEST_ID, OWING
from portico.queries.rows import columns
from portico.queries.signed_in import SignedIn
from portico.records.account import PortalAccount
from portico.records.content import Kind
from portico.records.customer import Contact, Customer
from portico.records.decision import Via
from portico.records.document import Document
from portico.records.link import PortalLink
from portico.records.mail import Mail, MailState
from portico.records.project import Project, ProjectShare
from portico.services.actors import Actor

PAGE = 25
PEOPLE = 50
_NAMESAKES = 5
# What a customer is looked for by.
_NAMES, _PEOPLE = ("name", "external_id"), ("name", "email")

_customer, _contact = Customer.__table__, Contact.__table__
_account, _mail = PortalAccount.__table__, Mail.__table__
_doc, _link = Document.__table__, PortalLink.__table__
_project, _share = Project.__table__, ProjectShare.__table__


# --- the list ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CustomerLine:
    """A customer in the list."""

    id: int
    name: str
    external_id: str
    is_active: bool
    portal_enabled: bool
    contacts: int
    accounts: int  # set up
    open: list[tuple[int, str]]  # what is owed: minor units and currency


@dataclass(frozen=True, slots=True)
class CustomerPage:
    """Customers by name; the ids that lead on and back, None where there is nothing more."""

    rows: list[CustomerLine]
    on: int | None
    back: int | None


def active(organization_id: int, term: str, most: int) -> list[CustomerLine]:
    """The first *most* active customers that match, by name."""
    found = _places(organization_id, term, None, active=True)
    return _lines(organization_id, found[:most])


def page(
    organization_id: int, *, term: str = "", beyond: int | None = None, before: int | None = None
) -> CustomerPage:
    """One page of an organization's customers. *beyond* and *before* are customers at its edge."""
    if beyond is None and before is not None:
        found = _places(organization_id, term, before, backwards=True)
        if len(found) > PAGE:
            shown = found[:PAGE][::-1]
            return CustomerPage(_lines(organization_id, shown), shown[-1], shown[0])
    found = _places(organization_id, term, beyond)
    shown = found[:PAGE]
    on = shown[-1] if len(found) > PAGE else None
    back = shown[0] if shown and beyond is not None else None
    return CustomerPage(_lines(organization_id, shown), on, back)


def _places(
    organization_id: int,
    term: str,
    edge: int | None,
    *,
    backwards: bool = False,
    active: bool = False,
) -> list[int]:
    """Ids of the next customers by name and id, one more than a page."""
    wanted = _wanted(organization_id, term)
    if active:
        wanted.append(_customer.c.is_active.is_(True))
    if edge is not None:
        name = sa.select(_customer.c.name).where(
            _customer.c.id == edge, _customer.c.organization_id == organization_id
        )
        here = sa.tuple_(_customer.c.name, _customer.c.id)
        there = sa.tuple_(name.scalar_subquery(), sa.literal(edge, _customer.c.id.type))
        wanted.append(here < there if backwards else here > there)
    order = (_customer.c.name, _customer.c.id)
    query = sa.select(_customer.c.id).where(*wanted)
    query = query.order_by(*(by.desc() if backwards else by.asc() for by in order))
    with reading() as connection:
        return list(connection.execute(query.limit(PAGE + 1)).scalars())


def _wanted(organization_id: int, term: str) -> list[sa.ColumnElement[bool]]:
    """What holds of the customers that a term stands for: few are found by an index, many one by one."""
    own = _customer.c.organization_id
    if not term:
        return [own == organization_id]
    named, people = search.within(_customer, _NAMES, term), search.within(_contact, _PEOPLE, term)
    if named is None or people is None:
        return [own == organization_id, _matches(term)]
    theirs = sa.select(_contact.c.customer_id).where(_contact.c.id.in_(people))
    either = _customer.c.id.in_(sa.union(named, theirs))
    return [own + 0 == organization_id, either]  # "+ 0" keeps SQLite at the ids


def _matches(term: str) -> sa.ColumnElement[bool]:
    people = sa.exists().where(
        _contact.c.customer_id == _customer.c.id, search.written(_contact, _PEOPLE, term)
    )
    return sa.or_(search.written(_customer, _NAMES, term), people)


def _lines(organization_id: int, ids: Sequence[int]) -> list[CustomerLine]:
    if not ids:
        return []
    people = sa.select(sa.func.count()).where(_contact.c.customer_id == _customer.c.id)
    set_up = sa.select(sa.func.count()).where(
        _account.c.customer_id == _customer.c.id, _account.c.set_up_at.is_not(None)
    )
    query = sa.select(
        _customer.c.id, _customer.c.name, _customer.c.external_id, _customer.c.is_active,
        _customer.c.portal_enabled, people.scalar_subquery().label("contacts"),
        set_up.scalar_subquery().label("accounts"),
    ).where(_customer.c.id.in_(ids))  # fmt: skip
    owed = _owed(organization_id, ids)
    with reading() as connection:
        found = {
            row.id: CustomerLine(
                row.id, row.name, row.external_id or "", row.is_active, row.portal_enabled,
                row.contacts, row.accounts, owed.get(row.id, []),
            )
            for row in connection.execute(query)
        }  # fmt: skip
    return [found[one] for one in ids]


def _owed(organization_id: int, ids: Sequence[int]) -> dict[int, list[tuple[int, str]]]:
    """What is open on invoices, by customer, a sum for each currency."""
    query = (
        sa.select(_doc.c.customer_id, _doc.c.currency, sa.func.sum(_doc.c.balance).label("sum"))
        .where(
            _doc.c.organization_id == organization_id,
            _doc.c.customer_id.in_(ids),
            _doc.c.kind == Kind.INVOICE.value,
            _doc.c.balance != sa.literal_column("0"),
            _doc.c.posted_at.is_not(None),
            _doc.c.state.in_([state.value for state in OWING]),
        )
        .group_by(_doc.c.customer_id, _doc.c.currency)
        .order_by(_doc.c.currency)
    )
    owed: dict[int, list[tuple[int, str]]] = {}
    with reading() as connection:
        for row in connection.execute(query):
            owed.setdefault(row.customer_id, []).append((int(row.sum), row.currency))
    return owed


# --- one customer -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CustomerRecord:
    """One customer, as the team wrote them down."""

    id: int
    name: str
    external_id: str
    tax_id: str
    endpoint: str
    is_active: bool
    portal_enabled: bool
    links: int  # that open something now, a document or a project
    may_revoke: bool  # whether there is any, also one that ran out and could be renewed


@dataclass(frozen=True, slots=True)
class Person:
    """A contact, and how far they are with the portal."""

    id: int
    customer_id: int
    name: str
    email: str
    role: str
    is_active: bool
    portal_access: bool
    account_id: int | None
    account_active: bool
    set_up_at: dt.datetime | None
    last_sign_in_at: dt.datetime | None
    mail_id: int  # the newest invitation; 0: none
    mail_state: str | None
    mail_at: dt.datetime | None
    mail_error: str

    @property
    def is_set_up(self) -> bool:
        return self.set_up_at is not None

    @property
    def was_invited(self) -> bool:
        return self.mail_state is not None

    @property
    def can_be_invited(self) -> bool:
        """Until setup is done, and while there is somebody to mail (A4)."""
        disabled = self.account_id is not None and not self.account_active
        return self.is_active and bool(self.email) and not self.is_set_up and not disabled

    @property
    def standing(self) -> tuple[str, str]:
        """The word and the tone of a chip."""
        if self.account_id is not None and not self.account_active:
            return "Disabled", "bad"
        if not self.is_active:
            return "Switched off", "none"
        if self.is_set_up:
            return ("Set up", "good") if self.portal_access else ("Access off", "warn")
        if self.mail_state in {MailState.FAILED, MailState.SKIPPED}:
            return "Invitation failed", "bad"
        if self.mail_state == MailState.SENT:
            return "Invited", "info"
        if self.mail_state is not None:
            return "Being invited", "info"
        return "No account", "none"


def find(organization_id: int, customer_id: int) -> CustomerRecord | None:
    """A customer of the organization; None for any other id."""
    if not 0 < customer_id <= LARGEST_ID:
        return None
    kept = _link.c.customer_id == _customer.c.id, _link.c.revoked_at.is_(None)
    live = sa.select(sa.func.count()).where(
        *kept,
        _link.c.is_active.is_(True),
        _link.c.ended_at.is_(None),
        sa.or_(_link.c.expires_at.is_(None), _link.c.expires_at > clock.now()),
    )
    shared = (
        _project.c.organization_id == _customer.c.organization_id,
        _project.c.customer_id == _customer.c.id,
        _share.c.project_id == _project.c.id,
        _share.c.revoked_at.is_(None),
    )
    shares = sa.select(sa.func.count(_share.c.id)).where(
        *shared,
        _project.c.is_shared_with_client.is_(True),
        sa.or_(_share.c.expires_at.is_(None), _share.c.expires_at > clock.now()),
    )
    query = sa.select(
        _customer.c.id, _customer.c.name, _customer.c.external_id, _customer.c.tax_id,
        _customer.c.endpoint, _customer.c.is_active, _customer.c.portal_enabled,
        (live.scalar_subquery() + shares.scalar_subquery()).label("links"),
        sa.or_(sa.exists().where(*kept), sa.exists().where(*shared)).label("may_revoke"),
    ).where(_customer.c.id == customer_id, _customer.c.organization_id == organization_id)  # fmt: skip
    with reading() as connection:
        row = connection.execute(query).first()
    if row is None:
        return None
    return CustomerRecord(
        row.id, row.name, row.external_id or "", row.tax_id or "", row.endpoint or "",
        row.is_active, row.portal_enabled, row.links, row.may_revoke,
    )  # fmt: skip


def people(customer_id: int, *, beyond: int = 0) -> tuple[list[Person], int | None]:
    """The contacts of a customer in the order they were added, and the id that leads on."""
    query = _people().where(_contact.c.customer_id == customer_id, _contact.c.id > beyond)
    with reading() as connection:
        rows = connection.execute(query.order_by(_contact.c.id).limit(PEOPLE + 1)).all()
    found = [_person(row) for row in rows[:PEOPLE]]
    return found, found[-1].id if len(rows) > PEOPLE else None


def person(organization_id: int, customer_id: int, contact_id: int) -> Person | None:
    """One contact of a customer of the organization; None for any other ids."""
    if not (0 < contact_id <= LARGEST_ID and 0 < customer_id <= LARGEST_ID):
        return None
    query = _people().where(
        _contact.c.id == contact_id,
        _contact.c.customer_id == customer_id,
        _contact.c.organization_id == organization_id,
    )
    with reading() as connection:
        row = connection.execute(query).first()
    return _person(row) if row is not None else None


def _people() -> sa.Select[Any]:
    return sa.select(
        *columns(_contact, "contact", "id", "customer_id", "name", "email", "role", "is_active",
                 "portal_access"),
        *columns(_account, "account", "id", "is_active", "set_up_at", "last_sign_in_at"),
        *columns(_mail, "mail", "id", "state", "created_at", "sent_at", "error"),
    ).select_from(
        sa.outerjoin(_contact, _account, _account.c.contact_id == _contact.c.id)
        .outerjoin(_mail, _mail.c.id == _account.c.invitation_mail_id)
    )  # fmt: skip


def _person(row: Any) -> Person:
    return Person(
        id=row.contact_id,
        customer_id=row.contact_customer_id,
        name=row.contact_name,
        email=row.contact_email or "",
        role=row.contact_role,
        is_active=row.contact_is_active,
        portal_access=row.contact_portal_access,
        account_id=row.account_id,
        account_active=bool(row.account_is_active),
        set_up_at=row.account_set_up_at,
        last_sign_in_at=row.account_last_sign_in_at,
        mail_id=row.mail_id or 0,
        mail_state=row.mail_state,
        mail_at=row.mail_sent_at or row.mail_created_at,
        mail_error=row.mail_error or "",
    )


def numbered(organization_id: int, number: str) -> list[tuple[int, str]]:
    """Documents of the organization with a number, whosever they are: ids and what to call them."""
    query = sa.select(_doc.c.id, _doc.c.kind).where(
        _doc.c.organization_id == organization_id, _doc.c.number == number
    )
    with reading() as connection:
        rows = connection.execute(query.order_by(_doc.c.id.desc()).limit(_NAMESAKES)).all()
    return [(row.id, row.kind) for row in rows]


def as_signed_in(org: OrganizationFace, customer: CustomerRecord) -> SignedIn:
    """Somebody at the customer, for a preview by the team: of no account, with no session, so
    that nothing can be done in their name."""
    return SignedIn(
        actor=Actor(
            via=Via.ACCOUNT,
            organization_id=org.id,
            customer_id=customer.id,
            contact_id=None,
            contact_name=None,
            contact_email=None,
        ),
        org=org,
        customer_name=customer.name,
        name=customer.name,
        email="",
        role="",
        salutation="",
        locale=None,
        timezone=None,
        mail_documents=False,
        mail_decisions=False,
        mail_messages=False,
        mail_reminders=False,
        unread=0,
        last_seen_at=clock.now(),
    )

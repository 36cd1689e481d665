"""Customers and their people, as the console keeps them (spec C2). Each change is in the log."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from portico import clock
from portico.db import db, unit_of_work
from portico.records.account import PortalAccount
from portico.records.activity import Activity, ActorKind
from portico.records.customer import Contact, Customer
from portico.records.organization import Organization
from portico.refusals import BadInput, Unknown
from portico.services import accounts, activity, team
from portico.services.activity import Entry
from portico.text import one_line


@dataclass(frozen=True, slots=True)
class CustomerFace:
    """What the team writes down about a customer; empty where there is none."""

    name: str = ""
    external_id: str = ""  # their id in the books
    tax_id: str = ""
    endpoint: str = ""  # where they get electronic invoices, "scheme:value"


@dataclass(frozen=True, slots=True)
class ContactFace:
    """What the team writes down about a person."""

    name: str = ""
    email: str = ""
    role: str = ""


def create(organization_id: int, face: CustomerFace, *, by: str) -> Customer:
    """A new customer. Raises BadInput; also where there is one of whom the very same is written
    down, so that a second click makes no second one."""
    values = _checked(face)
    try:
        with unit_of_work():
            _hold(Organization, organization_id)
            if values["external_id"] is None:  # else the id tells them apart
                twin = "There is such a customer already. If they are two, give the new one an id."
                _refuse_twin(Customer, twin, organization_id=organization_id, **values)
            customer = Customer(organization_id=organization_id, created_at=clock.now(), **values)
            db.session.add(customer)
            db.session.flush()
            _record(customer, by, created=True)
    except IntegrityError:
        raise _id_taken(face) from None
    return customer


def change(customer_id: int, face: CustomerFace, *, by: str) -> None:
    """Set what is written down about a customer. Raises BadInput, Unknown."""
    values = _checked(face)
    try:
        with unit_of_work():
            customer = _customer(customer_id)
            changed = [name for name, value in values.items() if getattr(customer, name) != value]
            for name in changed:
                setattr(customer, name, values[name])
            if changed:
                _record(customer, by, changed=changed)
    except IntegrityError:
        raise _id_taken(face) from None


def switch(customer_id: int, *, on: bool, by: str) -> None:
    """Switch a customer off or on. Off: nobody of theirs is signed in, and no link opens."""
    with unit_of_work():
        if not on:
            theirs = PortalAccount.customer_id == customer_id
            accounts.shut_out(theirs, "the customer was switched off")
        customer = _customer(customer_id)
        if customer.is_active != on:
            customer.is_active = on
            _record(customer, by, active=on)


def add_contact(customer_id: int, face: ContactFace, *, by: str) -> Contact:
    """A person at a customer. Raises BadInput, also for the very same person once more; Unknown."""
    values = {
        "name": one_line(face.name, "name", 200),
        "email": team.check_email(face.email) if face.email.strip() else None,
        "role": one_line(face.role, "role", 100, required=False),
    }
    with unit_of_work():
        _hold(Customer, customer_id)
        customer = _customer(customer_id)
        twin = f"{values['name']} is a contact of this customer already."
        _refuse_twin(Contact, twin, customer_id=customer_id, **values)
        contact = Contact(
            organization_id=customer.organization_id,
            customer_id=customer.id,
            created_at=clock.now(),
            **values,
        )
        db.session.add(contact)
        db.session.flush()
        _record(customer, by, contact.id, created=True)
    return contact


def change_contact(
    contact_id: int, face: ContactFace, *, revokes_links: bool = False, by: str
) -> None:
    """Set what is written down about a person; *revokes_links*: what was mailed to another address
    than the new one opens no more. Raises BadInput, Conflict, Unknown."""
    team.change_contact(contact_id, **asdict(face), revokes_links=revokes_links, by=by)


def switch_contact(contact_id: int, *, on: bool, by: str) -> None:
    """Switch a person off or on. Off: they are signed out, and links mailed to them do not open."""
    with unit_of_work():
        if not on:
            theirs = PortalAccount.contact_id == contact_id
            accounts.shut_out(theirs, "the contact was switched off")
        contact = db.session.get(Contact, contact_id, populate_existing=True)
        if contact is None:
            raise Unknown("There is no such contact.")
        if contact.is_active != on:
            contact.is_active = on
            _record(_customer(contact.customer_id), by, contact.id, active=on)


def _customer(customer_id: int) -> Customer:
    customer = db.session.get(Customer, customer_id, populate_existing=True)
    if customer is None:
        raise Unknown("There is no such customer.")
    return customer


def _hold(table: type[Organization | Customer], record_id: int) -> None:
    """Nobody else adds to it until the running unit of work is over."""
    db.session.get(table, record_id, with_for_update={"key_share": True}, populate_existing=True)


def _refuse_twin(table: type[Customer | Contact], sentence: str, **values: object) -> None:
    """Raises BadInput where the very same is written down already."""
    twin = sa.select(table.id).filter_by(is_active=True, **values).limit(1)
    if db.session.execute(twin).first() is not None:
        raise BadInput({"name": sentence})


def _checked(face: CustomerFace) -> dict[str, str | None]:
    """Field by field; what is empty is not there at all."""
    return {
        "name": one_line(face.name, "name", 500),
        "external_id": one_line(face.external_id, "external_id", 500, required=False) or None,
        "tax_id": one_line(face.tax_id, "tax_id", 500, required=False) or None,
        "endpoint": one_line(face.endpoint, "endpoint", 1000, required=False) or None,
    }


def _id_taken(face: CustomerFace) -> BadInput:
    return BadInput({"external_id": f"Another customer has the id {face.external_id.strip()!r}."})


def _record(customer: Customer, by: str, contact_id: int | None = None, **details: object) -> None:
    activity.record(
        Entry(
            Activity.UPDATE_PROFILE,
            ActorKind.STAFF,
            actor=by,
            organization_id=customer.organization_id,
            customer_id=customer.id,
            contact_id=contact_id,
            details=details,
        )
    )

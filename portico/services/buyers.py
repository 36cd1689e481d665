"""Whose a document or payment in a file is: found among the customers, or made (spec I1)."""

from __future__ import annotations

import sqlalchemy as sa

from portico import clock
from portico.db import db
from portico.records.customer import Contact, Customer
from portico.records.organization import Organization
from portico.refusals import Refusal
from portico.services import team
from portico.services.imports.parsed import CustomerHints
from portico.text import one_line


def match(hints: CustomerHints, owner: Organization) -> Customer | None:
    """By external id, then tax or endpoint id, then exact name; one that fits several fits none."""
    endpoints = [f"{one.scheme or ''}:{one.value}" for one in hints.endpoints]
    for column, values in (
        (Customer.external_id, hints.external_ids),
        (Customer.tax_id, hints.tax_ids),
        (Customer.endpoint, endpoints),
        (Customer.name, hints.names),
    ):
        if not values:
            continue
        found = (
            db.session.execute(
                sa.select(Customer)
                .where(Customer.organization_id == owner.id, column.in_(values))
                .limit(2)
            )
            .scalars()
            .all()
        )
        if len(found) == 1:
            return found[0]
    return None


def create(hints: CustomerHints, name: str, owner: Organization) -> Customer:
    """A new customer from what the file says, with contacts where it names an e-mail address."""
    external_id = next(iter(hints.external_ids), None)
    taken = (
        external_id is not None
        and db.session.execute(
            sa.select(Customer.id).where(
                Customer.organization_id == owner.id, Customer.external_id == external_id
            )
        ).first()
    )
    endpoint = next(iter(hints.endpoints), None)
    customer = Customer(
        organization_id=owner.id,
        external_id=None if taken else external_id,
        name=_on_one_line(next(iter(hints.names), name)),
        tax_id=next(iter(hints.tax_ids), None),
        endpoint=f"{endpoint.scheme or ''}:{endpoint.value}" if endpoint else None,
        created_at=clock.now(),
    )
    db.session.add(customer)
    db.session.flush()
    for hint in hints.contacts:
        email = _usable(hint.email)
        if email is None:
            continue
        db.session.add(
            Contact(
                organization_id=owner.id,
                customer_id=customer.id,
                name=_personal_name(hint.name) or email[:200],
                email=email,
                created_at=clock.now(),
            )
        )
    db.session.flush()
    return customer


def _on_one_line(name: str) -> str:
    """A file may break a name over lines; the header of a mail may not."""
    return " ".join(name.split())


def _personal_name(name: str | None) -> str:
    """A contact's name as it could have been typed; empty where it could not."""
    try:
        return one_line(name or "", "name", 200)
    except Refusal:
        return ""


def _usable(email: str | None) -> str | None:
    try:
        return team.check_email(email) if email else None
    except Refusal:
        return None  # shown on the document as it is; no mail can go there


def has_recipient(customer_id: int) -> bool:
    return (
        db.session.execute(
            sa.select(Contact.id)
            .where(
                Contact.customer_id == customer_id, Contact.is_active, Contact.email.is_not(None)
            )
            .limit(1)
        ).first()
        is not None
    )

"""Organizations, customers and contacts: what the team keeps in order."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from portico import clock, formats, pdf
from portico.db import db, unit_of_work
from portico.records.activity import Activity, ActorKind
from portico.records.content import Kind
from portico.records.customer import Contact, Customer
from portico.records.mail import MailKind
from portico.records.organization import COLOUR, LinkLifetime, Organization, Section
from portico.refusals import BadInput, Conflict, Unknown
from portico.services import accounts, activity, links, marks, outbox, payment_urls
from portico.services.activity import Entry
from portico.text import one_line, paragraphs

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")
_EMAIL = re.compile(r"[^\s@<>\"(),:;\[\]\\]{1,64}@[^\s@<>\"(),:;\[\]\\]{1,250}\Z")
_LONGEST_LIFE = 24 * 366
_LONGEST_NOTICE = 60  # days


@dataclass(frozen=True, slots=True)
class OrganizationFace:
    """What can be set on an organization; None leaves a value as it is."""

    name: str | None = None
    email: str | None = None
    address: str | None = None
    phone: str | None = None
    website: str | None = None
    tax_id: str | None = None
    locale: str | None = None
    timezone: str | None = None
    colour: str | None = None
    pdf_design: str | None = None
    next_steps: str | None = None
    payment_instructions: str | None = None
    payment_url: str | None = None
    remind_quote_days: int | None = None  # before the last day to answer (W9); 0: never
    remind_invoice_days: int | None = None
    sections: str | list[str] | None = None  # names of sections; as one text, with commas between
    self_signup: bool | None = None
    sender_name: str | None = None  # in the From of mails; empty: the organization's name
    pdf_templates_enabled: bool | None = None


def create_organization(slug: str, face: OrganizationFace) -> Organization:
    """A new organization. Raises BadInput, Conflict."""
    if not _SLUG.match(slug):
        raise BadInput({"slug": "The short name has small letters, digits and hyphens only."})
    if not face.name or not face.email:
        raise BadInput({"name": "An organization needs a name and an e-mail address."})
    organization = Organization(slug=slug, created_at=clock.now(), **_face(face))
    try:
        with unit_of_work():
            db.session.add(organization)
            db.session.flush()
            if organization.payment_instructions:
                organization.payment_instructions_changed_at = clock.now()
    except IntegrityError:
        raise Conflict(f"There is already an organization called {slug!r}.") from None
    return organization


def change_organization(
    slug: str, face: OrganizationFace, *, by: str = "the team", seen: str | None = None
) -> None:
    """Set what *face* names. Where customers pay is watched over: a change of it is mailed to the
    address on file before (L13). *seen* are the marks of the form that it came from. Raises Unknown,
    BadInput, ChangedSince."""
    values = _face(face)
    with unit_of_work():
        organization = db.session.execute(
            sa.select(Organization)
            .where(Organization.id == find_organization(slug).id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        ).scalar_one()
        now = {name: getattr(organization, name) for name in values}
        changed = {name: value for name, value in values.items() if value != now[name]}
        if not changed:
            return
        marks.require_seen(now, changed, seen)
        _warn_of_other_payment(organization, changed, by)
        if "payment_instructions" in changed:
            organization.payment_instructions_changed_at = clock.now()
        for name, value in changed.items():
            setattr(organization, name, value)
        activity.record(
            Entry(
                Activity.UPDATE_ORGANIZATION,
                ActorKind.STAFF,
                actor=by,
                organization_id=organization.id,
                details={"fields": sorted(changed)},
            )
        )


def _warn_of_other_payment(organization: Organization, changed: dict[str, Any], by: str) -> None:
    """Whoever leads customers' money elsewhere, or the warning about it, is seen by the team, at
    its address until now."""
    watched = {
        "payment_instructions": "The payment instructions",
        "payment_url": "The address behind Pay now",
        "email": "The address where the team is mailed",  # or the next warning would go astray
    }
    changes = [
        {"what": what, "before": getattr(organization, name), "after": changed[name]}
        for name, what in watched.items()
        if name in changed
    ]
    if changes:
        outbox.post(
            MailKind.PAYMENT_INSTRUCTIONS_CHANGED,
            organization_id=organization.id,
            reference={
                "to": organization.email,
                "by": by,
                "at": clock.now().isoformat(),
                "changes": changes,
            },
        )


def set_link_lifetime(slug: str, kind: Kind, hours: int, *, until_validity: bool) -> None:
    """How long links to *kind* live (spec L4): hours, or through a quote's last valid day."""
    if not 1 <= hours <= _LONGEST_LIFE:
        raise BadInput({"hours": f"A link lives from 1 to {_LONGEST_LIFE} hours."})
    if until_validity and kind is not Kind.QUOTE:
        raise BadInput({"until_validity": "Only quotes have a last valid day."})
    with unit_of_work():
        organization = find_organization(slug)
        db.session.merge(
            LinkLifetime(
                organization_id=organization.id,
                kind=kind.value,
                hours=hours,
                until_validity=until_validity,
            )
        )


def find_organization(slug: str) -> Organization:
    """Raises Unknown."""
    found = db.session.execute(
        sa.select(Organization).where(Organization.slug == slug)
    ).scalar_one_or_none()
    if found is None:
        raise Unknown(f"There is no organization called {slug!r}.")
    return found


def create_customer(
    organization: str,
    name: str,
    *,
    external_id: str | None = None,
    tax_id: str | None = None,
    endpoint: str | None = None,
) -> Customer:
    """A new customer of an organization (by its short name). Raises BadInput, Conflict, Unknown."""
    values = {
        "name": one_line(name, "name", 500),
        "external_id": one_line(external_id, "external_id", 500) if external_id else None,
        "tax_id": one_line(tax_id, "tax_id", 500) if tax_id else None,
        "endpoint": one_line(endpoint, "endpoint", 1000) if endpoint else None,
    }
    try:
        with unit_of_work():
            customer = Customer(
                organization_id=find_organization(organization).id,
                created_at=clock.now(),
                **values,
            )
            db.session.add(customer)
    except IntegrityError:
        raise Conflict(f"Another customer already has the id {external_id!r}.") from None
    return customer


def find_customer(organization: str, reference: str) -> Customer:
    """By external id, else by exact name, within one organization. Raises Unknown, Conflict."""
    owner = find_organization(organization)
    for column in (Customer.external_id, Customer.name):
        found = (
            db.session.execute(
                sa.select(Customer)
                .where(Customer.organization_id == owner.id, column == reference)
                .limit(2)
            )
            .scalars()
            .all()
        )
        if len(found) > 1:
            raise Conflict(f"Several customers are called {reference!r}; name one by its id.")
        if found:
            return found[0]
    raise Unknown(f"{owner.name} has no customer {reference!r}.")


def add_contact(
    organization: str, customer: str, name: str, email: str | None, *, role: str = ""
) -> Contact:
    """A person at a customer. Raises BadInput, Unknown."""
    values = {
        "name": one_line(name, "name", 200),
        "email": check_email(email) if email else None,
        "role": one_line(role, "role", 100, required=False),
    }
    with unit_of_work():
        owner = find_customer(organization, customer)
        contact = Contact(
            organization_id=owner.organization_id,
            customer_id=owner.id,
            created_at=clock.now(),
            **values,
        )
        db.session.add(contact)
    return contact


def change_contact(
    contact_id: int,
    *,
    name: str | None = None,
    email: str | None = None,
    role: str | None = None,
    revokes_links: bool = False,
    by: str,
) -> Contact:
    """Set what is named; an empty *email* takes the address away.

    A new address moves the account's sign-in with it, ends its sessions and voids the ways to set a
    password that were mailed to the old one. Links to documents and projects that were mailed there
    live on until they run out, unless *revokes_links*; the same address in other capitals is no new
    one to them. Raises BadInput, Unknown, Conflict (another contact signs in with it).
    """
    values: dict[str, str | None] = {}
    if name is not None:
        values["name"] = one_line(name, "name", 200)
    if email is not None:
        values["email"] = check_email(email) if email.strip() else None
    if role is not None:
        values["role"] = one_line(role, "role", 100, required=False)
    with unit_of_work():
        contact = db.session.get(Contact, contact_id, populate_existing=True)
        if contact is None:
            raise Unknown("There is no such contact.")
        changed = [field for field, value in values.items() if getattr(contact, field) != value]
        if "email" in changed:
            accounts.hold_account_of(contact)  # account before contact, as whoever signs up does it
        before, after = (
            accounts.normal_email(one or "") for one in (contact.email, values.get("email"))
        )
        for field in changed:
            setattr(contact, field, values[field])
        if "email" in changed:
            accounts.move_email(contact)
            if revokes_links and after != before:
                links.revoke_for_contact(contact, by=by)
        if changed:
            activity.record(_contact_entry(contact, changed, by))
    return contact


def _contact_entry(contact: Contact, changed: list[str], by: str) -> Entry:
    return Entry(
        Activity.UPDATE_PROFILE,
        ActorKind.STAFF,
        actor=by,
        organization_id=contact.organization_id,
        customer_id=contact.customer_id,
        contact_id=contact.id,
        details={"changed": changed},
    )


def find_contact(customer: Customer, email: str) -> Contact:
    """An active contact of *customer* by e-mail address, whatever its case. Raises Unknown."""
    found = (
        db.session.execute(
            sa.select(Contact)
            .where(
                Contact.customer_id == customer.id,
                sa.func.lower(Contact.email) == email.strip().lower(),
            )
            .order_by(Contact.is_active.desc(), Contact.id)
        )
        .scalars()
        .first()
    )
    if found is None:
        raise Unknown(f"{customer.name} has no contact with the address {email}.")
    return found


def check_email(text: str) -> str:
    """An address that mail can be sent to, as typed. Raises BadInput.

    Its domain may be an international one. What stands before the @ has to be ASCII: few mail
    servers take more (RFC 6531), and in small letters some of it would be another address.
    """
    typed, text = text, one_line(text, "email", 320)
    if not _EMAIL.match(text) or not text.isprintable():
        raise BadInput({"email": "This does not look like an e-mail address."})
    if not typed.partition("@")[0].strip().isascii():
        sentence = "Before the @ no accents and no other scripts work: letters from a to z do."
        raise BadInput({"email": sentence})
    return text


def _face(face: OrganizationFace) -> dict[str, Any]:
    """What *face* names, checked field by field."""
    return {
        name: _CHECKS.get(name, str)(value)
        for name in face.__slots__
        if (value := getattr(face, name)) is not None
    }


def _line_check(field: str, limit: int, *, required: bool = False) -> Callable[[str], str]:
    return lambda value: one_line(value, field, limit, required=required)


def _text_check(field: str) -> Callable[[str], str]:
    return lambda value: paragraphs(value, field, 4000, required=False)


def _check_locale(value: str) -> str:
    if not formats.is_locale(value):
        raise BadInput({"locale": "This is not a locale such as en_GB or de."})
    return value


def _check_timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadInput({"timezone": "This is not a time zone such as Europe/Oslo."}) from None
    return value


def _check_sections(value: str | list[str]) -> list[str]:
    names = value.split(",") if isinstance(value, str) else value
    wanted = {name.strip() for name in names} - {"", "none"}
    if not wanted <= set(Section):
        known = ", ".join(Section)
        raise BadInput({"sections": f"The sections that can be switched on are {known}."})
    return [section.value for section in Section if section in wanted]


def _check_colour(value: str) -> str:
    if not COLOUR.match(value.lower()):
        raise BadInput({"colour": "A colour looks like #1f5c4d."})
    return value.lower()


def _days_check(field: str) -> Callable[[int], int]:
    def check(value: int) -> int:
        if not 0 <= value <= _LONGEST_NOTICE:
            raise BadInput({field: f"Remind 1 to {_LONGEST_NOTICE} days before, or never: 0."})
        return value

    return check


def _check_design(value: str) -> str:
    if value not in pdf.DESIGNS:
        raise BadInput({"pdf_design": f"The designs are {', '.join(pdf.DESIGNS)}."})
    return value


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "name": _line_check("name", 200, required=True),
    "phone": _line_check("phone", 60),
    "website": _line_check("website", 300),
    "tax_id": _line_check("tax_id", 60),
    "pdf_design": _check_design,
    "pdf_templates_enabled": bool,
    "sender_name": _line_check("sender_name", 200),
    "address": _text_check("address"),
    "next_steps": _text_check("next_steps"),
    "payment_instructions": _text_check("payment_instructions"),
    "email": check_email,
    "locale": _check_locale,
    "timezone": _check_timezone,
    "colour": _check_colour,
    "sections": _check_sections,
    "self_signup": bool,
    "payment_url": payment_urls.check,
    "remind_quote_days": _days_check("remind_quote_days"),
    "remind_invoice_days": _days_check("remind_invoice_days"),
}

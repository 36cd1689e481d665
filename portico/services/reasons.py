"""Why a contact can sign in and see a document, or why not (spec A4)."""

from __future__ import annotations

from dataclasses import dataclass

from portico.db import db
from portico.records.customer import Contact, Customer
from portico.records.document import Document
from portico.records.organization import Organization
from portico.refusals import Unknown
from portico.services import accounts


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that access needs (A4), whether it is given, and the sentence that says so."""

    holds: bool
    sentence: str


def why(contact_id: int, document_id: int | None = None) -> list[Condition]:
    """Everything that decides whether a contact can sign in, and see a document if one is named:
    who may is who meets them all. Raises Unknown."""
    contact, customer = accounts.people(contact_id)
    found = [*_why_in(contact, customer), *_why_set_up(contact)]
    if document_id is not None:
        document = db.session.get(Document, document_id, populate_existing=True)
        if document is None:
            raise Unknown("There is no such document.")
        found += _why_seen(contact, customer, document)
    return found


def _why_in(contact: Contact, customer: Customer) -> list[Condition]:
    off = "by the team" if contact.portal_withdrawn_at else "so far"
    all_off = "by the team" if customer.portal_withdrawn_at else "so far"
    return [
        _either(customer.is_active, f"{customer.name} is active.",
                f"{customer.name} is switched off."),
        _either(customer.portal_enabled, f"The portal is on for {customer.name}.",
                f"The portal is off for {customer.name} ({all_off})."),
        _either(contact.is_active, f"{contact.name} is active.",
                f"{contact.name} is switched off."),
        _either(bool(contact.email), f"{contact.name} has the address {contact.email}.",
                f"{contact.name} has no e-mail address."),
        _either(contact.portal_access, f"{contact.name} has portal access.",
                f"Portal access is off for {contact.name} ({off})."),
    ]  # fmt: skip


def _why_set_up(contact: Contact) -> list[Condition]:
    account = accounts.account_of(contact)
    if account is None:
        return [Condition(False, f"{contact.name} has no account yet: invite them.")]
    return [
        _either(account.is_active, "The account is not disabled.",
                f"The account was disabled by {account.disabled_by}."),
        _either(account.set_up_at is not None, "A password was set.",
                "No password was set yet: the invitation can be mailed again."),
    ]  # fmt: skip


def _why_seen(contact: Contact, customer: Customer, document: Document) -> list[Condition]:
    owned = (document.organization_id, document.customer_id) == (
        contact.organization_id, contact.customer_id,
    )  # fmt: skip
    what = f"{type(document).label} {document.number}"
    org = db.session.get_one(Organization, contact.organization_id)
    section = document.section
    found = [
        _either(owned, f"{what} belongs to {customer.name}.",
                f"{what} does not belong to {customer.name}."),
        _either(document.is_posted, f"{what} is posted.", f"{what} is a draft."),
    ]  # fmt: skip
    if section is not None:
        found.append(
            _either(section in org.sections, f"{org.name} shows {section} in its portal.",
                    f"{org.name} does not show {section} in its portal.")
        )  # fmt: skip
    return found


def _either(holds: bool, given: str, missing: str) -> Condition:
    return Condition(holds, given if holds else missing)

"""Why a contact can see a document, signed in or by a mailed link, or why not (spec A4)."""

from __future__ import annotations

from dataclasses import dataclass

from portico import formats
from portico.db import db
from portico.queries import link_pages
from portico.queries.link_pages import Closed, MailedLink, Standing
from portico.queries.lists import SECTION_OF, SECTIONS
from portico.records.content import Kind
from portico.records.customer import Contact, Customer
from portico.records.document import Document
from portico.records.organization import Organization
from portico.refusals import Unknown
from portico.services import accounts, links


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
        found += _why_seen(contact, customer, _document(document_id))
    return found


def by_link(contact_id: int, document_id: int) -> Condition:
    """Whether a link that was mailed to a contact opens a document, until when, and what became of
    those that do not. Raises Unknown."""
    contact, customer = accounts.people(contact_id)
    document = _document(document_id)
    mailed = link_pages.mailed_to(contact_id, document_id)
    arrived = [one for one in mailed if one.expires_at]
    opening = next((one for one in arrived if one.opens), None)
    if opening:
        return Condition(True, _told(opening, contact, customer, document))
    if any(one.opens for one in mailed):
        return Condition(False, f"A link is on its way to {contact.name}.")
    if not arrived:
        return Condition(False, f"No link to it was mailed to {contact.name}.")
    told = next((one for one in arrived if _can_be_renewed(one)), arrived[0])
    return Condition(False, _told(told, contact, customer, document))


def _document(document_id: int) -> Document:
    document = db.session.get(Document, document_id, populate_existing=True)
    if document is None:
        raise Unknown("There is no such document.")
    return document


def _can_be_renewed(link: MailedLink) -> bool:
    expired = link.standing is Standing.EXPIRED and link.closed is None
    return expired and links.can_be_renewed(link.id)


def _told(link: MailedLink, contact: Contact, customer: Customer, document: Document) -> str:
    """What became of a link in somebody's mailbox."""
    org = db.session.get_one(Organization, contact.organization_id)
    ended = link.closed_at or link.expires_at
    when = formats.moment(ended, org.locale, org.timezone) if ended else ""
    mailed = f"The link mailed to {contact.name}"
    match link.closed:
        case Closed.REVOKED:
            return f"{mailed} was revoked by {link.revoked_by} on {when}."
        case Closed.ENDED:
            return f"{contact.name} ended the link mailed to them on {when}."
        case Closed.CUSTOMER_OFF:
            return f"{mailed} does not open while {customer.name} is switched off."
        case Closed.CONTACT_OFF:
            return f"{mailed} does not open while {contact.name} is switched off."
        case Closed.DRAFT:
            return f"{mailed} does not open while {_called(document)} is a draft."
    if link.standing is Standing.LIVE:
        return f"{mailed} opens it until {when}."
    if _can_be_renewed(link):
        return f"{mailed} ran out on {when}; on its page they can ask for a fresh one."
    return f"{mailed} ran out on {when} and cannot be renewed."


def _called(document: Document) -> str:
    return f"{type(document).label} {document.number}"


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
    what = _called(document)
    org = db.session.get_one(Organization, contact.organization_id)
    section = document.section
    found = [
        _either(owned, f"{what} belongs to {customer.name}.",
                f"{what} does not belong to {customer.name}."),
        _either(document.is_posted, f"{what} is posted.", f"{what} is a draft."),
    ]  # fmt: skip
    if section is not None:
        title = SECTIONS[SECTION_OF[Kind(document.kind)]].title.lower()
        found.append(
            _either(section in org.sections, f"{org.name} shows {title} in its portal.",
                    f"{org.name} does not show {title} in its portal.")
        )  # fmt: skip
    return found


def _either(holds: bool, given: str, missing: str) -> Condition:
    return Condition(holds, given if holds else missing)

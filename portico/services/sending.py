"""Send by e-mail: a link of their own for each contact, and the mail about it (spec C4, L3)."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from portico.db import db, unit_of_work
from portico.records.activity import Activity, ActorKind
from portico.records.customer import Contact, Customer
from portico.records.document import Document
from portico.records.mail import Mail, MailKind
from portico.refusals import Conflict, StaffRefusal
from portico.services import activity, links, notifications, outbox
from portico.services.activity import Entry
from portico.text import paragraphs


@dataclass(frozen=True, slots=True)
class Seen:
    """What was on screen when somebody pressed the button: which revision, and which mail about
    the document was the last one (0: none)."""

    revision: int
    mail: int


def last_mail(document_id: int) -> int:
    """The newest mail that put a document before somebody; 0 where there is none."""
    newest = sa.select(sa.func.max(Mail.id)).where(
        Mail.document_id == document_id, Mail.kind == MailKind.DOCUMENT_SENT.value
    )
    return db.session.execute(newest).scalar() or 0


def why_not(document_id: int) -> str | None:
    """Why a document cannot be sent by e-mail now, in a sentence; None where it can (spec W7)."""
    try:
        document = links.sendable(document_id)
    except StaffRefusal as refusal:
        return refusal.sentence
    customer = db.session.get_one(Customer, document.customer_id)
    if not customer.is_active:
        return f"{customer.name} is switched off."
    if not recipients(customer.id):
        return f"{customer.name} has no active contact with an e-mail address."
    return None


def recipients(customer_id: int) -> list[Contact]:
    """The contacts of a customer who may receive mail."""
    return list(
        db.session.execute(
            sa.select(Contact)
            .where(
                Contact.customer_id == customer_id, Contact.is_active, Contact.email.is_not(None)
            )
            .order_by(Contact.id)
        ).scalars()
    )


def send(
    document_id: int,
    contact_ids: list[int],
    *,
    by: str,
    message: str = "",
    attach_pdf: bool = False,
    hours: int | None = None,
    seen: Seen | None = None,
) -> int:
    """Put a posted document before contacts of its customer; returns how many mails wait.

    Links, mails, state and trail are one transaction. Raises StaffRefusal, BadInput; Conflict
    where it was changed or sent since it was *seen*, so that a second click sends nothing.
    """
    message = paragraphs(message, "message", 4000, required=False)
    with unit_of_work():
        reason = why_not(document_id)
        if reason:
            raise StaffRefusal(reason)
        document = links.sendable(document_id)
        if seen is not None:
            _require_unchanged(document, seen)
        allowed = {contact.id: contact for contact in recipients(document.customer_id)}
        chosen = list(dict.fromkeys(contact_ids))
        if not chosen or any(contact_id not in allowed for contact_id in chosen):
            raise StaffRefusal("Choose at least one contact of this customer who can get mail.")
        # Document before log, as deciding does it, so that the two never wait for each other.
        before = document.sent_revision
        links.mark_sent(document)
        notifications.tell_shown(document, before=before, mailed=chosen)
        for contact_id in chosen:
            contact = allowed[contact_id]
            link = links.issue(document, contact, by=by, hours=hours)
            outbox.post(
                MailKind.DOCUMENT_SENT,
                organization_id=document.organization_id,
                customer_id=document.customer_id,
                document_id=document.id,
                contact_id=contact.id,
                link_id=link.id,
                reference={"message": message, "attach_pdf": attach_pdf},
            )
            activity.record(
                Entry(
                    Activity.SEND_DOCUMENT,
                    ActorKind.STAFF,
                    actor=by,
                    organization_id=document.organization_id,
                    customer_id=document.customer_id,
                    contact_id=contact.id,
                    document_id=document.id,
                    link_id=link.id,
                    details={"revision": document.current_revision},
                )
            )
    return len(chosen)


def _require_unchanged(document: Document, seen: Seen) -> None:
    """The document is held. Raises Conflict."""
    document.require_seen(seen.revision)
    if last_mail(document.id) != seen.mail:
        raise Conflict(
            "It was sent a moment ago, perhaps by a second click. Nothing more was sent; press "
            "Send now once more if it should go out again."
        )

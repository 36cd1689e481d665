"""Out of the outbox: one message claimed, rendered, sent, and written down.

What the mail says is found out now, not when it was queued: a link that was revoked or a
contact that was switched off meanwhile gets no mail, and the row says why.
"""

from __future__ import annotations

import datetime as dt
import logging

from portico import clock
from portico.db import db, unit_of_work
from portico.mail import transport
from portico.mail.transport import NotSent
from portico.queries.faces import document_face, organization_face
from portico.records.account import TokenPurpose
from portico.records.activity import Activity, ActorKind
from portico.records.link import PortalLink
from portico.records.mail import Mail, MailState
from portico.records.organization import Organization
from portico.services import (
    account_tokens,
    activity,
    clearance,
    correspondence,
    documents,
    invitations,
    links,
    outbox,
    renditions,
    staff,
)
from portico.services.activity import Entry
from portico.text import shown

log = logging.getLogger(__name__)


def deliver(mail_id: int) -> MailState | None:
    """Send one message if it is due and free. Returns its new state, None where it was not ours."""
    if not outbox.claim(mail_id):
        return None
    attempt = db.session.get_one(Mail, mail_id).attempts
    try:
        link_id = clearance.prepare(mail_id)
        letter, envelope = correspondence.render(mail_id)
        transport.send(letter, envelope)
    except clearance.NobodyToMail as reason:
        return _skipped(mail_id, attempt, str(reason))
    except NotSent as problem:
        return _not_sent(mail_id, attempt, str(problem), final=problem.final)
    except Exception as problem:  # the outermost loop: a broken message must not stop the others
        log.exception("mail %s could not be made", mail_id)
        db.session.rollback()
        return _not_sent(mail_id, attempt, f"the mail could not be made ({type(problem).__name__})")
    return _sent(mail_id, link_id, envelope.recipient)


def make_pdfs(mail_id: int) -> None:
    """Make the document's PDF ahead of the customer's first click."""
    mail = db.session.get_one(Mail, mail_id)
    if mail.document_id is None:
        return
    document = documents.find(mail.document_id)
    org = organization_face(db.session.get_one(Organization, mail.organization_id))
    revision = documents.revision_of(document, document.shown_revision)
    face = document_face(document, org.timezone)
    renditions.document(org, documents.content_of(revision), revision.content_sha256, face.state)


# --- afterwards ------------------------------------------------------------------------------


def _sent(mail_id: int, link_id: int | None, recipient: str) -> MailState:
    with unit_of_work():
        mail = db.session.get_one(Mail, mail_id)
        mail.state = MailState.SENT.value
        mail.sent_at = clock.now()
        mail.recipient = recipient
        mail.error = mail.claimed_by = None
        if link_id is not None:
            links.delivered(db.session.get_one(PortalLink, link_id))
        _begin_tokens(mail)
        invitations.mail_ended(mail)
        activity.record(_entry(mail, Activity.MAIL_SENT))
    return MailState.SENT


def _is_lost(mail: Mail, attempt: int) -> bool:
    """Whether another worker took it over meanwhile, who alone says how it went."""
    return (mail.state, mail.attempts) != (MailState.SENDING, attempt)


def _not_sent(mail_id: int, attempt: int, reason: str, *, final: bool = False) -> MailState:
    with unit_of_work():
        mail = db.session.get_one(Mail, mail_id, populate_existing=True)
        if _is_lost(mail, attempt):
            return MailState(mail.state)
        mail.error = shown(reason)[:1000].rstrip(".")  # also what a mail server wrote
        mail.claimed_by = None
        tries = len(outbox.BACKOFF_MINUTES)
        if not final and mail.attempts <= tries:
            wait = outbox.BACKOFF_MINUTES[max(mail.attempts, 1) - 1]
            mail.state = MailState.QUEUED.value
            mail.next_attempt_at = clock.now() + dt.timedelta(minutes=wait)
            return MailState.QUEUED
        mail.state = MailState.FAILED.value
        if mail.kind in clearance.WITH_LINK and mail.link_id is not None:
            # A server that broke off may have taken the mail all the same: the link lives its
            # time from now on, and not for ever.
            links.delivered(db.session.get_one(PortalLink, mail.link_id))
        _begin_tokens(mail)
        invitations.mail_ended(mail)
        activity.record(_entry(mail, Activity.MAIL_FAILED))  # why stands in the mail's own row
    return MailState.FAILED


def _skipped(mail_id: int, attempt: int, reason: str) -> MailState:
    with unit_of_work():
        mail = db.session.get_one(Mail, mail_id, populate_existing=True)
        if _is_lost(mail, attempt):
            return MailState(mail.state)
        mail.state = MailState.SKIPPED.value
        mail.error = reason
        mail.claimed_by = None
        invitations.mail_ended(mail)
    return MailState.SKIPPED


def _begin_tokens(mail: Mail) -> None:
    """The time of a way to set a password runs from delivery (A3)."""
    if "token" in mail.reference:
        purpose = TokenPurpose(mail.reference["purpose"])
        account_tokens.delivered(purpose, mail.reference["token"])
    if "staff_token" in mail.reference:
        staff.token_delivered(mail.reference["staff_token"])


def _entry(mail: Mail, type_: Activity, **details: object) -> Entry:
    return Entry(
        type_,
        ActorKind.SYSTEM,
        organization_id=mail.organization_id,
        customer_id=mail.customer_id,
        contact_id=mail.contact_id,
        document_id=mail.document_id,
        link_id=mail.link_id,
        details={"mail": mail.kind, **details},
    )

"""Secret links: issued, opened, renewed, ended, revoked (spec L2-L4, L10-L11, Q1)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from portico import clock, tokens
from portico.db import current_tenant, db, unit_of_work
from portico.records.activity import Activity, ActorKind
from portico.records.content import DocumentContent, Kind
from portico.records.customer import Contact, Customer
from portico.records.document import Document, DocumentRevision, State
from portico.records.link import PortalLink, Purpose
from portico.records.mail import Mail, MailKind, MailState
from portico.records.organization import LinkLifetime, Organization
from portico.records.project import Project, ProjectShare
from portico.refusals import BadInput, StaffRefusal, Unknown
from portico.services import accounts, activity, doubles, notifications, outbox
from portico.services.activity import Entry
from portico.services.actors import Actor

DEFAULT_HOURS = 24
_PATHS = {Purpose.DOCUMENT: "/i/", Purpose.QUOTE: "/q/"}
# A quote "valid" to the calendar's last day has a link that ends a little before it.
_LAST_MOMENT = dt.datetime(9999, 12, 30, tzinfo=dt.UTC)


def issue(
    document: Document,
    contact: Contact | None,
    *,
    by: str,
    purpose: Purpose = Purpose.DOCUMENT,
    hours: int | None = None,
    renewed_from: int | None = None,
) -> PortalLink:
    """A new link row, inside the running unit of work. Its life begins with delivery.

    *hours* overrides the organization's setting for the kind of document.
    """
    if hours is not None and not 1 <= hours <= 24 * 366:
        raise BadInput({"hours": "A link lives from 1 hour to 366 days."})
    life_hours, until_validity = lifetime(document, hours)
    nonce = tokens.new_nonce()
    link = PortalLink(
        purpose=purpose.value,
        organization_id=document.organization_id,
        customer_id=document.customer_id,
        document_id=document.id,
        contact_id=contact.id if contact else None,
        renewed_from_id=renewed_from,
        nonce=nonce,
        token_sha256=nonce,  # until the row has its id, which the token is bound to
        life_hours=life_hours,
        until_validity=until_validity,
        is_active=True,
        created_at=clock.now(),
        created_by=by,
    )
    db.session.add(link)
    db.session.flush()
    token = tokens.mint(link.purpose, current_tenant().slug, link.id, nonce)
    link.token_sha256 = tokens.digest(token) or b""
    db.session.flush()
    return link


def lifetime(document: Document, hours: int | None = None) -> tuple[int, bool]:
    """Hours that a new link to a document lives, and whether through the quote's last day too."""
    setting = db.session.get(LinkLifetime, (document.organization_id, document.kind))
    if hours is not None or setting is None:
        return hours or DEFAULT_HOURS, False
    return setting.hours, setting.until_validity


def url_of(link: PortalLink) -> str:
    """The whole address, derived again. It goes into a mail or once onto a screen, never to rest."""
    tenant = current_tenant()
    token = tokens.again(link.purpose, tenant.slug, link.id, link.nonce, link.token_sha256)
    return tenant.public_url + _PATHS[Purpose(link.purpose)] + token


def delivered(link: PortalLink) -> None:
    """Start (or start again) a link's life: its mail was taken by the mail server just now."""
    link.delivered_at = clock.now()
    link.expires_at = expiry_of(link, link.delivered_at)


def expiry_of(link: PortalLink, start: dt.datetime) -> dt.datetime:
    """UTC. The later of its hours and, where set so, the end of the quote's last valid day."""
    end = start + dt.timedelta(hours=link.life_hours)
    if link.until_validity:
        document = db.session.get_one(Document, link.document_id)
        organization = db.session.get_one(Organization, link.organization_id)
        if document.valid_until is not None:
            end = max(end, end_of_day(document.valid_until, organization.timezone))
        if document.expires_at is not None:
            end = max(end, document.expires_at)
    return end


def end_of_day(day: dt.date, zone: str) -> dt.datetime:
    """The first moment after *day* in *zone*, UTC."""
    if day >= _LAST_MOMENT.date():
        return _LAST_MOMENT
    following = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), clock.zone(zone))
    return following.astimezone(dt.UTC)


def last_minute(day: dt.date, zone: str) -> dt.datetime:
    """The last minute of *day* in *zone*, UTC: what is open through a day ends there."""
    return end_of_day(day, zone) - dt.timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Seen:
    """What was on screen when somebody asked for a link: which revision, and which link to hand
    over was the last one (0: none)."""

    revision: int
    link: int


def last_copied(document_id: int) -> int:
    """The newest link that was made to be handed over; 0 where there is none."""
    newest = sa.select(sa.func.max(PortalLink.id)).where(
        PortalLink.document_id == document_id, PortalLink.contact_id.is_(None)
    )
    return db.session.execute(newest).scalar() or 0


def copy(
    document_id: int,
    *,
    by: str,
    purpose: Purpose = Purpose.DOCUMENT,
    hours: int | None = None,
    seen: Seen | None = None,
) -> str:
    """A link for staff to hand over themselves; the only time its address is shown.

    Its life begins now and it belongs to no contact, so it cannot be renewed. Handing it over
    puts the document before the customer: a posted one is sent from here on. A second click
    gets the link that the first one made. Raises StaffRefusal, BadInput, ChangedMeanwhile.
    """
    with unit_of_work():
        document = sendable(document_id)
        if seen is not None:
            document.require_seen(seen.revision)
            made = _copied_just_now(document, seen, purpose, hours, by)
            if made is not None:
                return url_of(made)
        if purpose is Purpose.QUOTE and document.kind != Kind.QUOTE:
            raise StaffRefusal("Only a quote has a quote link.")
        link = issue(document, None, by=by, purpose=purpose, hours=hours)
        delivered(link)
        before = document.sent_revision
        mark_sent(document)
        notifications.tell_shown(document, before=before)
        activity.record(_staff_entry(Activity.ISSUE_LINK, document, by, link))
        return url_of(link)


def _copied_just_now(
    document: Document, seen: Seen, purpose: Purpose, hours: int | None, by: str
) -> PortalLink | None:
    """The same link, that the same person asked for a moment ago. The document is held."""
    life_hours, until_validity = lifetime(document, hours)
    return doubles.newest(
        PortalLink,
        PortalLink.document_id == document.id,
        PortalLink.contact_id.is_(None),
        PortalLink.id > seen.link,
        says={
            "purpose": purpose.value,
            "life_hours": life_hours,
            "until_validity": until_validity,
            "created_by": by,
            "revoked_at": None,
            "ended_at": None,
        },
    )


def sendable(document_id: int) -> Document:
    """A document that may be put before its customer, held until the unit of work ends.

    Raises Unknown, StaffRefusal.
    """
    document = held(document_id)
    if not document.is_posted:
        raise StaffRefusal("This document is a draft; post it before it is sent.")
    if document.is_void:
        raise StaffRefusal("This document was withdrawn or cancelled and is not sent any more.")
    if document.balance != document.payable:
        document.require_currency(_content(document))
    return document


def held(document_id: int) -> Document:
    """A document, read now and held for the running unit of work: no answer comes in between.

    SQLite's unit holds everything anyway. Raises Unknown.
    """
    document = db.session.get(
        Document, document_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if document is None:
        raise Unknown("There is no such document.")
    return document


def mark_sent(document: Document) -> None:
    """The customer has now been shown the current revision, and the head says what it says."""
    mark_shown(document.id, document.current_revision)
    if document.sent_revision not in {None, document.current_revision}:
        document.take_head(_content(document))
    if document.state == State.POSTED:
        document.state = State.SENT.value
    document.sent_revision = document.current_revision
    document.sent_at = clock.now()
    document.settle()


def _content(document: Document) -> DocumentContent:
    content = db.session.execute(
        sa.select(DocumentRevision.content).where(
            DocumentRevision.document_id == document.id,
            DocumentRevision.number == document.current_revision,
        )
    ).scalar_one()
    return DocumentContent.model_validate_json(content)


def mark_shown(document_id: int, number: int) -> None:
    """Remember when a revision was first put before the customer; others are not theirs to read."""
    db.session.execute(
        sa.update(DocumentRevision)
        .where(
            DocumentRevision.document_id == document_id,
            DocumentRevision.number == number,
            DocumentRevision.shown_at.is_(None),
        )
        .values(shown_at=clock.now())
        .execution_options(synchronize_session=False)
    )


# --- renewing -------------------------------------------------------------------------------


def request_renewal(actor: Actor) -> None:
    """Ask for a fresh link (spec L4). Always writes the same row; the worker finds out whether
    anybody may be mailed, so that the answer and its time say nothing."""
    with unit_of_work():
        outbox.post(
            MailKind.LINK_RENEWED,
            organization_id=actor.organization_id,
            customer_id=actor.customer_id,
            document_id=actor.document_id,
            contact_id=actor.contact_id,
            reference={"expired_link": actor.link_id},
        )
        activity.record(actor.entry(Activity.REQUEST_LINK))


def renew(expired_id: int, *, by: str = "Portico") -> PortalLink | None:
    """The link to mail instead of an expired one, in the running unit of work.

    None where recovery is closed: no contact, revoked, ended, voided, or access lost since.
    One that was made before for the same purpose and still lives is used again.
    """
    old = db.session.get(PortalLink, expired_id)
    if old is None or old.contact_id is None or not _open_for_recovery(old):
        return None
    alive = (
        db.session.execute(
            sa.select(PortalLink)
            .where(
                PortalLink.renewed_from_id == old.id,
                PortalLink.is_active,
                PortalLink.revoked_at.is_(None),
                PortalLink.ended_at.is_(None),
                sa.or_(PortalLink.expires_at.is_(None), PortalLink.expires_at > clock.now()),
            )
            .order_by(PortalLink.id.desc())
        )
        .scalars()
        .first()
    )
    if alive is not None:
        return alive
    document = db.session.get_one(Document, old.document_id)
    contact = db.session.get_one(Contact, old.contact_id)
    return issue(document, contact, by=by, purpose=Purpose(old.purpose), renewed_from=old.id)


def can_be_renewed(link_id: int) -> bool:
    """Whether its holder can have a fresh link mailed once this one ran out (L4)."""
    link = db.session.get(PortalLink, link_id, populate_existing=True)
    return link is not None and _open_for_recovery(link)


def _open_for_recovery(link: PortalLink) -> bool:
    """Whoever was never let into the portal has their links all the same; whom the team shut out
    has none mailed again."""
    if link.revoked_at or link.ended_at or not link.is_active or link.contact_id is None:
        return False
    document = db.session.get_one(Document, link.document_id)
    contact = db.session.get_one(Contact, link.contact_id)
    customer = db.session.get_one(Customer, link.customer_id)
    account = accounts.account_of(contact)
    return (
        document.is_posted
        and not document.is_void
        and document.customer_id == link.customer_id
        and contact.customer_id == link.customer_id
        and contact.can_receive_mail
        and customer.is_active
        and not (contact.portal_withdrawn_at or customer.portal_withdrawn_at)
        and (account is None or account.is_active)
    )


# --- ending and revoking ---------------------------------------------------------------------


def end(actor: Actor) -> None:
    """The customer ends their own access (spec L11). Ending twice is ending once."""
    with unit_of_work():
        ended = db.session.execute(
            sa.update(PortalLink)
            .where(PortalLink.id == actor.link_id, PortalLink.ended_at.is_(None))
            .values(ended_at=clock.now(), is_active=False)
        )
        if int(getattr(ended, "rowcount", 0)):
            activity.record(actor.entry(Activity.END_LINK))


def revoke_for_document(document_id: int, *, by: str) -> int:
    """Revoke every link to a document, expired ones too, so that none can be renewed.

    Returns how many were not revoked before. Raises Unknown.
    """
    with unit_of_work():
        document = db.session.get(Document, document_id)
        if document is None:
            raise Unknown("There is no such document.")
        count = _revoke(PortalLink.document_id == document_id, by)
        activity.record(_staff_entry(Activity.REVOKE_LINK, document, by, count=count))
    return count


def revoke(link_id: int, *, by: str) -> bool:
    """Revoke one link, an expired one too; False where it was revoked before. Raises Unknown."""
    with unit_of_work():
        link = db.session.get(PortalLink, link_id)
        if link is None:
            raise Unknown("There is no such link.")
        if not _revoke(PortalLink.id == link_id, by):
            return False
        document = db.session.get_one(Document, link.document_id)
        activity.record(_staff_entry(Activity.REVOKE_LINK, document, by, link))
    return True


def revoke_for_customer(customer_id: int, *, by: str) -> int:
    """Revoke every link of a customer, expired ones too, and every share of their projects.

    Returns how many. Raises Unknown.
    """
    with unit_of_work():
        customer = db.session.get(Customer, customer_id)
        if customer is None:
            raise Unknown("There is no such customer.")
        theirs = sa.select(Project.id).where(
            Project.organization_id == customer.organization_id, Project.customer_id == customer.id
        )
        count = _revoke(PortalLink.customer_id == customer_id, by)
        count += _revoke_shares(ProjectShare.project_id.in_(theirs), by)
        activity.record(
            Entry(
                Activity.REVOKE_LINK,
                ActorKind.STAFF,
                actor=by,
                organization_id=customer.organization_id,
                customer_id=customer.id,
                details={"count": count},
            )
        )
    return count


def revoke_for_contact(contact: Contact, *, by: str) -> int:
    """Revoke every link that went to a contact's mailbox, expired ones too, and every share of a
    project that is theirs. What has yet to arrive stays: it will be mailed to where they are then.

    In the running unit of work. Returns how many.
    """
    to_documents, to_projects = mailed_to(contact.id)
    count = _revoke(to_documents, by) + _revoke_shares(to_projects, by)
    if count:
        activity.record(
            Entry(
                Activity.REVOKE_LINK,
                ActorKind.STAFF,
                actor=by,
                organization_id=contact.organization_id,
                customer_id=contact.customer_id,
                contact_id=contact.id,
                details={"count": count},
            )
        )
    return count


def mailed_to(contact_id: int) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    """Which links and which shares went to a contact and are not revoked."""
    went = sa.select(Mail.link_id).where(
        Mail.contact_id == contact_id,
        Mail.link_id.is_not(None),
        Mail.state.in_([MailState.SENDING, MailState.SENT]),
    )
    return (
        sa.and_(PortalLink.id.in_(went), PortalLink.revoked_at.is_(None)),
        sa.and_(ProjectShare.contact_id == contact_id, ProjectShare.revoked_at.is_(None)),
    )


def _revoke(which: sa.ColumnElement[bool], by: str) -> int:
    result = db.session.execute(
        sa.update(PortalLink)
        .where(which, PortalLink.revoked_at.is_(None))
        .values(revoked_at=clock.now(), revoked_by=by, is_active=False)
    )
    return int(getattr(result, "rowcount", 0))


def _revoke_shares(which: sa.ColumnElement[bool], by: str) -> int:
    result = db.session.execute(
        sa.update(ProjectShare)
        .where(which, ProjectShare.revoked_at.is_(None))
        .values(revoked_at=clock.now(), revoked_by=by)
        .execution_options(synchronize_session=False)
    )
    return int(getattr(result, "rowcount", 0))


def _staff_entry(
    type_: Activity, document: Document, by: str, link: PortalLink | None = None, **details: object
) -> Entry:
    return Entry(
        type_,
        ActorKind.STAFF,
        actor=by,
        organization_id=document.organization_id,
        customer_id=document.customer_id,
        contact_id=link.contact_id if link else None,
        document_id=document.id,
        link_id=link.id if link else None,
        details=details,
    )

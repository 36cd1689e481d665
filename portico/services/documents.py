"""Documents: stored, posted, revised, extended, withdrawn. Content is only ever added."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from portico import clock
from portico.db import db, unit_of_work
from portico.records.activity import Activity, ActorKind
from portico.records.content import LATEST, DocumentContent, Kind, fingerprint
from portico.records.customer import Contact, Customer
from portico.records.decision import Decision
from portico.records.document import (
    KINDS,
    AttachedFile,
    Document,
    DocumentRevision,
    InformationRequest,
    State,
)
from portico.records.link import PortalLink
from portico.records.mail import Mail, MailKind
from portico.records.message import Message, Topic
from portico.records.organization import Organization
from portico.records.project import Project
from portico.refusals import BadInput, ChangedMeanwhile, Conflict, StaffRefusal, Unknown
from portico.services import activity, doubles, links, notifications, outbox, payments
from portico.services.activity import Entry
from portico.text import paragraphs


@dataclass(frozen=True, slots=True)
class Draft:
    """A document about to be stored: its content and what goes with it."""

    content: DocumentContent
    external_id: str
    warnings: tuple[str, ...] = ()  # for staff (spec I1)
    files: dict[str, bytes] = field(default_factory=dict)  # by SHA-256
    post: bool = True


def add(draft: Draft, organization: Organization, customer: Customer, *, by: str) -> Document:
    """A new document, in the running unit of work. Posted unless it is meant as a draft."""
    content = draft.content
    now = clock.now()
    document = KINDS[content.kind](
        organization_id=organization.id,
        customer_id=customer.id,
        external_id=draft.external_id,
        state=(State.POSTED if draft.post else State.DRAFT).value,
        posted_at=now if draft.post else None,
        current_revision=1,
        created_at=now,
    )
    document.take_head(content)
    document.settle()
    document.project_id = _project_named(customer.id, content.project)
    db.session.add(document)
    db.session.flush()
    _add_revision(document, draft, by, reason="")
    return document


def revise(document: Document, draft: Draft, *, by: str, reason: str) -> None:
    """A new revision of a document, in the running unit of work.

    A sent one must be sent again before the customer sees it (spec L9); a decision on an
    earlier revision stays on record. Raises Conflict for a withdrawn document, and
    for a request that was answered.
    """
    if document.is_void:
        raise Conflict("This document was withdrawn or cancelled and cannot be changed.")
    answered = {State.IN_PROGRESS, State.COMPLETED}
    if isinstance(document, InformationRequest) and document.state in answered:
        raise Conflict("Answers were given to this request; please make a new one.")
    content = draft.content
    document.current_revision += 1
    if document.sent_revision is None:
        document.take_head(content)
        document.settle()
    if document.state in {State.SENT, State.ACCEPTED, State.DECLINED}:
        document.state = State.POSTED.value
        document.decided_at = None
    if draft.post and document.state == State.DRAFT:
        document.state, document.posted_at = State.POSTED.value, clock.now()
        document.settle()
    db.session.flush()
    _add_revision(document, draft, by, reason)


def post_draft(document_id: int, *, by: str, seen: int | None = None) -> None:
    """Make a draft final, so that it can be sent; as revision *seen* says it, where that is given.

    What was posted just now stays as it is. Raises Unknown, StaffRefusal, ChangedMeanwhile.
    """
    with unit_of_work():
        document = links.held(document_id)
        document.require_seen(seen)
        if seen is not None and _was_posted_just_now(document):
            return
        if document.state != State.DRAFT:
            raise StaffRefusal("This document is not a draft.")
        document.state, document.posted_at = State.POSTED.value, clock.now()
        document.settle()
        activity.record(_entry(Activity.POST_DOCUMENT, document, by))


def void(document_id: int, *, by: str, seen: int | None = None) -> None:
    """Withdraw a quote or cancel another document: it can be read, not answered or renewed.

    What was paid on it, or settled with it, is open again. What is void stays as it is. Raises
    Unknown, StaffRefusal, ChangedMeanwhile where it is no longer revision *seen*.
    """
    with unit_of_work():
        payments.hold_books(find(document_id).customer_id)
        document = links.held(document_id)
        if document.is_void:
            return
        document.require_seen(seen)
        if document.state == State.ACCEPTED:
            raise StaffRefusal(
                f"This {document.label.lower()} was accepted; reverse the acceptance first."
            )
        released = payments.release_document(document)
        document.state = document.voided.value
        details = {"released": released} if released else {}
        activity.record(_entry(Activity.VOID_DOCUMENT, document, by, **details))


def extend(
    document_id: int, until: dt.date, *, by: str, note: str = "", seen: int | None = None
) -> None:
    """Give more time to answer: a new revision with the later end, shown at once, and a mail.

    What ends at a moment ends with the day *until* then. The end is part of what is agreed to,
    so it is part of the content that is hashed. A second click, of a page that still shows
    revision *seen*, extends nothing more. Raises StaffRefusal, BadInput, ChangedMeanwhile.
    """
    note = paragraphs(note, "note", 2000, required=False)
    with unit_of_work():
        document = links.held(document_id)
        organization = db.session.get_one(Organization, document.organization_id)
        try:
            document.require_seen(seen)
        except ChangedMeanwhile:
            if _was_extended_just_now(document, _end(document, until, organization), note, by):
                return
            raise
        if not document.answers or document.state != State.SENT:
            raise StaffRefusal("Only what was sent and is unanswered can be extended.")
        later = _later(document, until, organization)
        content = current_content(document)
        longer = content.model_copy(update=later)
        document.take_head(longer)
        document.current_revision += 1
        document.sent_revision = document.current_revision
        if not _was_asked(document):
            document.asked_at = None  # a wish for more time was granted, and nothing else waits
        db.session.flush()
        _add_revision(document, Draft(longer, document.external_id), by, reason="extended")
        links.mark_shown(document.id, document.current_revision)
        mailed = mail_holders(document, MailKind.QUOTE_EXTENDED, by=by, reference={"note": note})
        notifications.tell_extended(document, mailed=mailed)
        activity.record(_entry(Activity.EXTEND_QUOTE, document, by, until=until.isoformat()))


def _later(document: Document, until: dt.date, organization: Organization) -> dict[str, object]:
    """The field that says until when a document is open, with its new value. Raises BadInput."""
    if until > LATEST:
        raise BadInput({"until": "Please give a day between 1900 and 2200."})
    later = _end(document, until, organization)
    if not all(value > (getattr(document, name) or value) for name, value in later.items()):
        raise BadInput({"until": "The new day has to be later than the present one."})
    if until < clock.today(organization.timezone):
        raise BadInput({"until": "That day is already over."})
    return later


def _end(document: Document, until: dt.date, organization: Organization) -> dict[str, Any]:
    """The field that says until when a document is open, ending with the day *until*."""
    if document.expires_at is not None:
        return {"expires_at": links.last_minute(until, organization.timezone)}
    return {"valid_until": until}


def _was_posted_just_now(document: Document) -> bool:
    posted = document.posted_at
    return document.state == State.POSTED and posted is not None and clock.is_just_now(posted)


def _was_extended_just_now(document: Document, end: dict[str, Any], note: str, by: str) -> bool:
    """Whether the newest revision is what the same person gave a moment ago. It is held."""
    newest = doubles.newest(
        DocumentRevision,
        DocumentRevision.document_id == document.id,
        says={"reason": "extended", "created_by": by},
    )
    told = db.session.scalars(
        sa.select(Mail.reference)
        .where(Mail.document_id == document.id, Mail.kind == MailKind.QUOTE_EXTENDED.value)
        .order_by(Mail.id.desc())
        .limit(1)
    ).first()
    same_words = told is None or told["note"] == note
    return newest is not None and same_words and doubles.is_said_by(document, end)


def mail_holders(
    document: Document,
    kind: MailKind,
    *,
    by: str,
    reference: dict[str, object],
    but: sa.Select[int] | None = None,
) -> list[int]:
    """A mail with a link of its own to each contact who holds this document, but those whose ids
    *but* selects; returns the ids of who is mailed."""
    contacts = (
        db.session.execute(
            sa.select(Contact)
            .where(
                Contact.id.in_(
                    sa.select(PortalLink.contact_id).where(
                        PortalLink.document_id == document.id,
                        PortalLink.contact_id.is_not(None),
                        PortalLink.revoked_at.is_(None),
                        PortalLink.ended_at.is_(None),
                    )
                ),
                Contact.is_active,
                Contact.email.is_not(None),
                Contact.id.not_in(but) if but is not None else sa.true(),
            )
            .order_by(Contact.id)
        )
        .scalars()
        .all()
    )
    for contact in contacts:
        link = links.issue(document, contact, by=by)
        outbox.post(
            kind,
            organization_id=document.organization_id,
            customer_id=document.customer_id,
            document_id=document.id,
            contact_id=contact.id,
            link_id=link.id,
            reference=dict(reference),
        )
    return [contact.id for contact in contacts]


def find(document_id: int) -> Document:
    """Raises Unknown."""
    document = db.session.get(Document, document_id)
    if document is None:
        raise Unknown("There is no such document.")
    return document


def find_by_reference(organization_id: int, kind: Kind, reference: str) -> Document:
    """By external id, else by number where only one has it. Raises Unknown, Conflict."""
    for column in (Document.external_id, Document.number):
        found = (
            db.session.execute(
                sa.select(Document)
                .where(
                    Document.organization_id == organization_id,
                    Document.kind == kind.value,
                    column == reference,
                )
                .limit(2)
            )
            .scalars()
            .all()
        )
        if len(found) > 1:
            raise Conflict(f"Several documents have the number {reference!r}; name one by its id.")
        if found:
            return found[0]
    raise Unknown(f"There is no {KINDS[kind].label.lower()} {reference!r}.")


def revision_of(document: Document, number: int) -> DocumentRevision:
    return db.session.execute(
        sa.select(DocumentRevision).where(
            DocumentRevision.document_id == document.id, DocumentRevision.number == number
        )
    ).scalar_one()


def current_content(document: Document) -> DocumentContent:
    return content_of(revision_of(document, document.current_revision))


def content_of(revision: DocumentRevision) -> DocumentContent:
    return DocumentContent.model_validate_json(revision.content)


def standing_decision(revision_id: int) -> Decision | None:
    """The decision that stands on a revision, if there is one."""
    return db.session.execute(
        sa.select(Decision).where(
            Decision.revision_id == revision_id, Decision.reversed_at.is_(None)
        )
    ).scalar_one_or_none()


def _project_named(customer_id: int, name: str | None) -> int | None:
    """The customer's project of this name; the newest, where several are called so."""
    if not name:
        return None
    called = sa.select(Project.id).where(Project.customer_id == customer_id, Project.name == name)
    return db.session.execute(called.order_by(Project.id.desc()).limit(1)).scalar()


def _was_asked(document: Document) -> bool:
    """Whether a question came after the team's last word, and not only a wish for more time."""
    last_word = (
        sa.select(sa.func.coalesce(sa.func.max(Message.id), 0))
        .where(Message.document_id == document.id, Message.from_staff)
        .scalar_subquery()
    )
    question = sa.select(Message.id).where(
        Message.document_id == document.id,
        Message.topic == Topic.QUESTION.value,
        Message.id > last_word,
    )
    return db.session.execute(question.limit(1)).first() is not None


def _add_revision(document: Document, draft: Draft, by: str, reason: str) -> None:
    canonical = draft.content.canonical()
    db.session.add(
        DocumentRevision(
            document_id=document.id,
            number=document.current_revision,
            content=canonical,
            content_sha256=fingerprint(canonical),
            warnings=list(draft.warnings),
            reason=reason,
            created_by=by,
            created_at=clock.now(),
        )
    )
    for sha256, data in draft.files.items():
        if db.session.get(AttachedFile, sha256) is None:
            db.session.add(AttachedFile(sha256=sha256, data=data))
    db.session.flush()


def _entry(type_: Activity, document: Document, by: str, **details: object) -> Entry:
    return Entry(
        type_,
        ActorKind.STAFF,
        actor=by,
        organization_id=document.organization_id,
        customer_id=document.customer_id,
        document_id=document.id,
        details=details,
    )

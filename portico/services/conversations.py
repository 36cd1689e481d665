"""Questions and answers about a document (spec L6, L9)."""

from __future__ import annotations

import sqlalchemy as sa

from portico import clock
from portico.db import db, unit_of_work
from portico.records.activity import Activity, ActorKind
from portico.records.document import Document, InformationRequest, State
from portico.records.mail import MailKind
from portico.records.message import Message, Topic
from portico.refusals import Conflict, NothingToDecide, StaffRefusal
from portico.services import activity, actors, documents, doubles, links, notifications, outbox
from portico.services.activity import Entry
from portico.services.actors import Actor
from portico.text import paragraphs

LONGEST = 2000


def ask(actor: Actor, body: str) -> Message:
    """A customer's question: into the conversation, and to staff by mail; the very same just now is
    that one. Raises BadInput."""
    return _say(actor, Topic.QUESTION, paragraphs(body, "question", LONGEST))


def ask_more_time(actor: Actor, wish: str) -> Message:
    """A customer's wish for more time on what waits for their answer, or waited until it expired.

    Raises BadInput, NothingToDecide.
    """
    wish = paragraphs(wish, "wish", LONGEST, required=False)
    document = db.session.get_one(Document, actor.document_id)
    waits = document.answers or isinstance(document, InformationRequest)
    if not waits or document.state not in {State.SENT, State.IN_PROGRESS}:
        raise NothingToDecide(f"This {document.label.lower()} is not waiting for an answer.")
    return _say(actor, Topic.MORE_TIME, wish or "I would like more time to decide.")


def answer(document_id: int, body: str, *, by: str, seen: int | None = None) -> Message:
    """The team's reply: the customer is mailed and reads it on the page.

    *seen* is the last message that was on screen: what came after it still waits. Raises Unknown,
    BadInput; Conflict where the very same was answered since, so that a second click says nothing.
    """
    body = paragraphs(body, "answer", LONGEST)
    with unit_of_work():
        document = links.held(document_id)
        if seen is not None:
            _refuse_twice(document, body, seen)
        _answered(document, seen)
        message = Message(
            document_id=document.id,
            topic=Topic.ANSWER.value,
            from_staff=True,
            author=by,
            body=body,
            created_at=clock.now(),
        )
        db.session.add(message)
        db.session.flush()
        mailed = documents.mail_holders(
            document, MailKind.ANSWER_CUSTOMER, by=by, reference={"message": message.id}
        )
        notifications.tell_answered(document, message.id, mailed=mailed)
        activity.record(_entry(document, by))
    return message


def answered_otherwise(document_id: int, *, by: str, seen: int | None = None) -> None:
    """What the customer asked was answered by phone, or needs no answer: it waits no more.

    Raises Unknown, StaffRefusal.
    """
    with unit_of_work():
        document = links.held(document_id)
        if document.asked_at is None:
            raise StaffRefusal("No question waits for an answer here.")
        _answered(document, seen)
        activity.record(_entry(document, by, answered="otherwise"))


def _refuse_twice(document: Document, body: str, seen: int) -> None:
    """Raises Conflict."""
    same = sa.select(Message.id).where(
        Message.document_id == document.id,
        Message.id > seen,
        Message.from_staff,
        Message.body == body,
    )
    if db.session.execute(same.limit(1)).first() is not None:
        raise Conflict(
            "This was answered a moment ago, perhaps by a second click. Nothing more was sent."
        )


def _answered(document: Document, seen: int | None) -> None:
    """Nothing waits any more, but for what the customer said after message *seen*."""
    newer = None
    if seen is not None:
        newer = db.session.scalar(
            sa.select(sa.func.min(Message.created_at)).where(
                Message.document_id == document.id, Message.id > seen, Message.from_staff.is_(False)
            )
        )
    document.asked_at = newer


def _say(actor: Actor, topic: Topic, body: str) -> Message:
    with unit_of_work():
        actors.hold(actor)
        # Document before log, as everybody does it, so that no two wait for each other.
        db.session.execute(
            sa.update(Document)
            .where(Document.id == actor.document_id)
            .values(asked_at=sa.func.coalesce(Document.asked_at, clock.now()))
            .execution_options(synchronize_session=False)
        )
        before = _said_before(actor, topic, body)
        if before is not None:
            return before
        message = Message(
            document_id=actor.document_id,
            topic=topic.value,
            from_staff=False,
            author=actor.contact_name or "Visitor with the link",
            contact_id=actor.contact_id,
            link_id=actor.link_id,
            body=body,
            created_at=clock.now(),
        )
        db.session.add(message)
        db.session.flush()
        outbox.post(
            MailKind.QUESTION_STAFF if topic is Topic.QUESTION else MailKind.MORE_TIME_STAFF,
            organization_id=actor.organization_id,
            customer_id=actor.customer_id,
            document_id=actor.document_id,
            reference={"message": message.id},
        )
        more = topic is Topic.MORE_TIME
        activity.record(actor.entry(Activity.ASK_MORE_TIME if more else Activity.SEND_MESSAGE))
    return message


def _said_before(actor: Actor, topic: Topic, body: str) -> Message | None:
    return doubles.newest(
        Message,
        Message.document_id == actor.document_id,
        Message.from_staff.is_(False),
        Message.link_id.is_not_distinct_from(actor.link_id),
        Message.contact_id.is_not_distinct_from(actor.contact_id),
        says={"topic": topic.value, "body": body},
    )


def _entry(document: Document, by: str, **details: object) -> Entry:
    return Entry(
        Activity.SEND_MESSAGE,
        ActorKind.STAFF,
        actor=by,
        organization_id=document.organization_id,
        customer_id=document.customer_id,
        document_id=document.id,
        details=details,
    )

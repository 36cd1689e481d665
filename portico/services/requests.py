"""Information requests: answered item by item, accepted or returned by the team (spec W4).

Whoever answers or judges holds the document's head meanwhile, so that no two do it at once. How
an item stands is written down from its first answer on; before, it is open.
"""

from __future__ import annotations

import datetime as dt
from typing import BinaryIO

import sqlalchemy as sa

from portico import clock
from portico.db import db, unit_of_work
from portico.records.activity import Activity, ActorKind
from portico.records.content import RequestedItem, Wanted
from portico.records.document import Document, InformationRequest, State
from portico.records.file import StoredFile
from portico.records.mail import Mail, MailKind, MailState
from portico.records.request import ItemState, RequestAnswer, RequestItem
from portico.refusals import BadInput, NotFound, StaffRefusal, Undecidable, Unknown
from portico.services import (
    activity,
    actors,
    documents,
    doubles,
    files,
    links,
    notifications,
    outbox,
)
from portico.services.activity import Entry
from portico.services.actors import Actor
from portico.services.files import Place, Received
from portico.text import paragraphs

LONGEST = 10_000
LONGEST_REMARK = 2_000
MOST_ANSWERS = 50  # to one item, corrected ones too
# So long a mail waits for what else is answered or returned in the same sitting.
COLLECT = dt.timedelta(minutes=10)
_OPEN = {State.SENT, State.IN_PROGRESS}


def answer(
    actor: Actor,
    position: int,
    body: str,
    upload: tuple[BinaryIO, str] | None = None,
    *,
    seen: int,
) -> RequestAnswer:
    """A customer's answer to an item: words, a file (its bytes and its name), or both.

    *seen* is the revision on screen. An earlier answer stays on record; the very same just now is
    that answer. Raises BadInput (naming ``answer`` or ``file``), NotFound, Undecidable (closed,
    changed, or taken already), Busy.
    """
    body = paragraphs(body, "answer", LONGEST, required=False)
    received = files.receive(*upload) if upload else None
    try:
        with unit_of_work():
            return _answer(actor, position, body, received, seen)
    except BaseException:
        if received is not None:
            files.discard(received)
        raise


def _answer(
    actor: Actor, position: int, body: str, received: Received | None, seen: int
) -> RequestAnswer:
    actors.hold(actor)
    request = _held(actor.document_id or 0)
    _check_open(request, seen)
    wanted = _wanted(request, position)
    item = _item(request, position)
    if item.state == ItemState.ACCEPTED:
        raise Undecidable("This answer was accepted already; nothing was changed.")
    _check_fits(wanted, body, received)
    place = Place(request.organization_id, request.customer_id, document_id=request.id)
    file = files.keep(received, place, actor=actor) if received else None
    before = _answered_before(item, actor, body, file)
    if before is not None:
        return before
    _check_room(item)
    given = RequestAnswer(
        item_id=item.id,
        file_id=file.id if file else None,
        body=body,
        author=actor.contact_name or "Visitor with the link",
        contact_id=actor.contact_id,
        link_id=actor.link_id,
        account_id=actor.account_id,
        created_at=clock.now(),
    )
    db.session.add(given)
    item.state, item.remark, item.changed_at = ItemState.ANSWERED.value, "", clock.now()
    request.state = State.IN_PROGRESS.value
    db.session.flush()
    if not _is_collected(request, MailKind.REQUEST_ANSWERED_STAFF):
        mail = outbox.post(
            MailKind.REQUEST_ANSWERED_STAFF,
            organization_id=request.organization_id,
            customer_id=request.customer_id,
            document_id=request.id,
        )
        mail.next_attempt_at = clock.now() + COLLECT
    activity.record(actor.entry(Activity.ANSWER_REQUEST, item=position))
    return given


def accept(document_id: int, position: int, *, seen: int, by: str, remark: str = "") -> None:
    """The team takes an answer. *seen* is the answer on screen. Raises StaffRefusal, Unknown."""
    _judge(document_id, position, ItemState.ACCEPTED, seen, by, remark)


def return_(document_id: int, position: int, *, seen: int, by: str, remark: str) -> None:
    """The team needs something else, and says what; also of an answer taken before.

    Raises BadInput naming ``remark``, StaffRefusal, Unknown.
    """
    if not remark.strip():
        raise BadInput({"remark": "Please say what is missing."})
    _judge(document_id, position, ItemState.RETURNED, seen, by, remark)


def _judge(
    document_id: int, position: int, verdict: ItemState, seen: int, by: str, remark: str
) -> None:
    remark = paragraphs(remark, "remark", LONGEST_REMARK, required=False)
    with unit_of_work():
        request = _held(document_id)
        if request.is_void:
            raise StaffRefusal("This request was cancelled; its answers stay as they are.")
        total = _total(request)
        if not 1 <= position <= total:
            raise Unknown("There is no such item.")
        item = _item(request, position)
        newest = db.session.scalar(
            sa.select(sa.func.max(RequestAnswer.id)).where(RequestAnswer.item_id == item.id)
        )
        if newest is None:
            raise StaffRefusal("This item was not answered yet.")
        if newest != seen:
            raise StaffRefusal("There is a newer answer; please look at it first.")
        if item.state == verdict:
            return
        if item.state == ItemState.RETURNED:
            raise StaffRefusal("This answer was returned; the customer answers again.")
        item.state, item.remark, item.changed_at = verdict.value, remark, clock.now()
        db.session.flush()
        done = _accepted(request) == total
        request.state = (State.COMPLETED if done else State.IN_PROGRESS).value
        if verdict is ItemState.RETURNED:
            _tell_returned(request, newest, by)
        activity.record(_entry(request, by, item=position, verdict=verdict.value))


def _tell_returned(request: Document, answer_id: int, by: str) -> None:
    """Whoever holds the request is mailed once for all that is returned in one sitting."""
    mailed: list[int] = []
    if not _is_collected(request, MailKind.ANSWER_RETURNED):
        mailed = documents.mail_holders(request, MailKind.ANSWER_RETURNED, by=by, reference={})
        db.session.execute(
            sa.update(Mail)
            .where(*_waiting(request, MailKind.ANSWER_RETURNED))
            .values(next_attempt_at=clock.now() + COLLECT)
        )
    notifications.tell_returned(request, answer_id, mailed=mailed)


def _held(document_id: int) -> InformationRequest:
    """The request, held for the running unit of work. Raises Unknown."""
    request = links.held(document_id)
    if not isinstance(request, InformationRequest):
        raise Unknown("There is no such request.")
    return request


def _check_open(request: InformationRequest, seen: int) -> None:
    if request.state == State.COMPLETED:
        raise Undecidable("Everything was accepted already; nothing is asked any more.")
    if request.is_void:
        raise Undecidable("This request was cancelled and can no longer be answered.")
    if request.state not in _OPEN or request.sent_revision != request.current_revision:
        raise Undecidable(
            "A new version of this request is being prepared. You will get a mail when it is "
            "ready, and nothing was changed."
        )
    if seen != request.sent_revision:
        raise Undecidable("This request changed while you were reading; nothing was changed.")


def _wanted(request: Document, position: int) -> RequestedItem:
    body = documents.current_content(request).request
    if body is None or not 1 <= position <= len(body.items):
        raise NotFound
    return body.items[position - 1]


def _total(request: Document) -> int:
    body = documents.current_content(request).request
    return len(body.items) if body else 0


def _check_fits(wanted: RequestedItem, body: str, received: Received | None) -> None:
    if wanted.wants is Wanted.TEXT and not body:
        raise BadInput({"answer": "Please write your answer."})
    if wanted.wants is Wanted.TEXT and received is not None:
        raise BadInput({"file": "This is answered in words; no file is needed."})
    if wanted.wants is Wanted.FILE and received is None:
        raise BadInput({"file": "Please choose a file."})
    if not body and received is None:
        raise BadInput({"answer": "Please write an answer or choose a file."})


def _answered_before(
    item: RequestItem, actor: Actor, body: str, file: StoredFile | None
) -> RequestAnswer | None:
    """An answer that waits; one that was returned is asked for anew."""
    if item.state != ItemState.ANSWERED:
        return None
    return doubles.newest(
        RequestAnswer,
        RequestAnswer.item_id == item.id,
        says={
            "body": body,
            "file_id": file.id if file else None,
            "contact_id": actor.contact_id,
            "link_id": actor.link_id,
            "account_id": actor.account_id,
        },
    )


def _check_room(item: RequestItem) -> None:
    """Nobody fills the disk with corrections."""
    given = sa.select(sa.func.count()).where(RequestAnswer.item_id == item.id)
    if (db.session.scalar(given) or 0) >= MOST_ANSWERS:
        raise Undecidable(
            f"This was answered {MOST_ANSWERS} times already. Please ask a question instead."
        )


def _item(request: Document, position: int) -> RequestItem:
    """The row of an item, made where there is none yet; the held head keeps others out."""
    found = db.session.execute(
        sa.select(RequestItem)
        .where(RequestItem.document_id == request.id, RequestItem.position == position)
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if found is None:
        found = RequestItem(
            document_id=request.id,
            position=position,
            state=ItemState.OPEN.value,
            remark="",
            changed_at=clock.now(),
        )
        db.session.add(found)
        db.session.flush()
    return found


def _accepted(request: Document) -> int:
    counted = sa.select(sa.func.count()).where(
        RequestItem.document_id == request.id, RequestItem.state == ItemState.ACCEPTED.value
    )
    return db.session.scalar(counted) or 0


def _waiting(request: Document, kind: MailKind) -> tuple[sa.ColumnElement[bool], ...]:
    """Mails of a kind about the request that no worker has begun with."""
    return (
        Mail.document_id == request.id,
        Mail.kind == kind.value,
        Mail.state == MailState.QUEUED.value,
        Mail.attempts == 0,
    )


def _is_collected(request: Document, kind: MailKind) -> bool:
    """Whether a mail waits already that will tell of this too. One that is due, and that no worker
    has taken, waits for the end of this sitting."""
    asked = sa.select(Mail.id).where(*_waiting(request, kind), Mail.next_attempt_at > clock.now())
    if db.session.execute(asked.limit(1)).first() is not None:
        return True
    due = sa.update(Mail).where(*_waiting(request, kind))
    taken = db.session.execute(
        due.values(next_attempt_at=clock.now() + COLLECT).execution_options(
            synchronize_session=False
        )
    )
    return int(getattr(taken, "rowcount", 0)) > 0


def _entry(request: Document, by: str, **details: object) -> Entry:
    return Entry(
        Activity.JUDGE_ANSWER,
        ActorKind.STAFF,
        actor=by,
        organization_id=request.organization_id,
        customer_id=request.customer_id,
        document_id=request.id,
        details=details,
    )

"""Accept and decline: one standing answer per revision, with its evidence (spec L6-L9).

The answer is won by a conditional update of the document's head, the same on SQLite and
PostgreSQL: whoever changes ``sent`` to an answer, of the revision that was on screen and within
its last day, has decided. Everybody else is told what was decided, or what changed.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass

import sqlalchemy as sa

from portico import clock, tokens
from portico.db import db, unit_of_work
from portico.records.activity import Activity, ActorKind
from portico.records.content import fingerprint
from portico.records.customer import Contact
from portico.records.decision import Answer, Decision, Via
from portico.records.document import Document, DocumentRevision, Quote, State, TimeApproval
from portico.records.mail import MailKind
from portico.records.organization import Organization
from portico.refusals import (
    AlreadyDecided,
    BadInput,
    BeingRevised,
    ChangedMeanwhile,
    NothingToDecide,
    QuoteChanged,
    QuoteExpired,
    QuoteWithdrawn,
    StaffRefusal,
    Unknown,
)
from portico.services import (
    activity,
    actors,
    documents,
    doubles,
    links,
    notifications,
    outbox,
    sending,
)
from portico.services.activity import Entry, Visitor
from portico.services.actors import Actor
from portico.text import one_line, paragraphs

_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # no 0, O, 1, I: codes are read out on the phone


@dataclass(frozen=True, slots=True)
class Signatory:
    """What the person typed when they answered."""

    name: str
    po_number: str = ""
    note: str = ""  # on acceptance a note, on refusal the reason

    def checked(self) -> Signatory:
        """Raises BadInput naming the field."""
        return Signatory(
            name=one_line(self.name, "name", 200),
            po_number=one_line(self.po_number, "po_number", 100, required=False),
            note=paragraphs(self.note, "note", 2000, required=False),
        )


def decide(actor: Actor, answer: Answer, signatory: Signatory, *, seen: int) -> Decision:
    """Record the customer's answer to revision *seen*.

    The same answer again returns the decision that stands. Raises AlreadyDecided (the other
    answer stands), QuoteChanged, QuoteExpired, QuoteWithdrawn, BeingRevised, NothingToDecide,
    BadInput, NotFound (the link was revoked or the session ended meanwhile); then nothing has changed.
    """
    if answer is Answer.DECLINED and not signatory.name:
        signatory = Signatory(actor.contact_name or "Not given", "", signatory.note)
    signatory = signatory.checked()
    with unit_of_work():
        actors.hold(actor)
        document = db.session.get_one(Document, actor.document_id)
        if isinstance(document, TimeApproval) and answer is Answer.DECLINED and not signatory.note:
            raise BadInput({"reason": "Please say what you want to ask or change."})
        standing = _settle(document, answer, seen)
        if standing is not None:
            return standing
        decision = _write(
            document,
            answer,
            signatory,
            via=actor.via,
            link_id=actor.link_id,
            account_id=actor.account_id,
            contact_id=actor.contact_id,
            visitor=actor.visitor,
        )
        type_ = _deed(document, answer)
        activity.record(actor.entry(type_, revision=seen, receipt=decision.receipt_code))
        _tell_both_sides(document, decision)
    return decision


def record_offline(
    document_id: int,
    answer: Answer,
    signatory: Signatory,
    *,
    by: str,
    note: str,
    seen: int | None = None,
) -> Decision:
    """Write down an answer given by phone or on paper (spec L9). *note* says how it was given, and
    *seen* which revision was on screen. A second click returns what the first one wrote.

    Raises StaffRefusal, ChangedMeanwhile and what :func:`decide` raises.
    """
    signatory = signatory.checked()
    note = paragraphs(note, "note", 2000)
    with unit_of_work():
        document = links.held(document_id)
        document.require_seen(seen)
        standing = _settle(document, answer, document.current_revision)
        if standing is not None:
            if _recorded_just_now(standing, signatory, by=by, note=note):
                return standing
            raise AlreadyDecided(
                f"This {document.label.lower()} was already {_said(document, standing)}."
            )
        decision = _write(
            document,
            answer,
            Signatory(signatory.name, signatory.po_number, note),
            via=Via.STAFF,
            recorded_by=by,
        )
        type_ = _deed(document, answer)
        activity.record(_staff_entry(type_, document, by, receipt=decision.receipt_code))
        _tell_both_sides(document, decision)
    return decision


def reverse(document_id: int, *, by: str, note: str, seen: str | None = None) -> Decision:
    """Take back the standing answer, with a note; it stays on record. The quote is open again.

    *seen* is the receipt code of the answer that was on screen. A second click returns what the
    first one took back. Raises StaffRefusal where nothing stands, ChangedMeanwhile.
    """
    note = paragraphs(note, "note", 2000)
    with unit_of_work():
        document = links.held(document_id)
        taken_back = _reversed_just_now(document, seen, by=by, note=note)
        if taken_back is not None:
            return taken_back
        if document.is_void:
            raise StaffRefusal("This was withdrawn; its answer stays as it is.")
        revision = documents.revision_of(document, document.current_revision)
        decision = documents.standing_decision(revision.id)
        if decision is None:
            raise StaffRefusal("There is no answer to reverse on the current revision.")
        if seen is not None and decision.receipt_code != seen:
            raise ChangedMeanwhile(
                "Another answer was recorded meanwhile. Please look at it again; nothing was "
                "reversed."
            )
        taken = db.session.execute(
            sa.update(Decision)
            .where(Decision.id == decision.id, Decision.reversed_at.is_(None))
            .values(reversed_at=clock.now(), reversed_by=by, reversal_note=note)
        )
        if int(getattr(taken, "rowcount", 0)) != 1:
            raise StaffRefusal("Somebody else has just reversed this answer.")
        document.state, document.decided_at = State.SENT.value, None
        activity.record(
            _staff_entry(Activity.REVERSE_DECISION, document, by, receipt=decision.receipt_code)
        )
        mailed = documents.mail_holders(
            document, MailKind.DECISION_REVERSED, by=by, reference={"decision": decision.id}
        )
        notifications.tell_reversed(document, decision, mailed=mailed)
    return decision


def _recorded_just_now(standing: Decision, signatory: Signatory, *, by: str, note: str) -> bool:
    says = {
        "recorded_by": by,
        "signatory": signatory.name,
        "po_number": signatory.po_number,
        "note": note,
    }
    return clock.is_just_now(standing.decided_at) and doubles.is_said_by(standing, says)


def _reversed_just_now(
    document: Document, seen: str | None, *, by: str, note: str
) -> Decision | None:
    """The answer that was on screen, where the same person took it back a moment ago."""
    decision = db.session.execute(
        sa.select(Decision).where(
            Decision.document_id == document.id,
            Decision.receipt_code == seen,
            Decision.reversed_by == by,
            Decision.reversal_note == note,
        )
    ).scalar_one_or_none()
    if decision is None or decision.reversed_at is None:
        return None
    return decision if clock.is_just_now(decision.reversed_at) else None


# --- winning --------------------------------------------------------------------------------


def _settle(document: Document, answer: Answer, seen: int) -> Decision | None:
    """Win the answer, or return the equal one that stands; raises why neither is possible."""
    if answer not in document.answers:
        raise NothingToDecide
    organization = db.session.get_one(Organization, document.organization_id)
    today = clock.today(organization.timezone)
    table = Document.__table__
    won = db.session.execute(
        sa.update(Document)
        .where(
            Document.id == document.id,
            Document.state == State.SENT,
            Document.current_revision == seen,
            Document.sent_revision == seen,
            Document.decided_at.is_(None),
            sa.or_(table.c.valid_until.is_(None), table.c.valid_until >= today),
            sa.or_(table.c.expires_at.is_(None), table.c.expires_at > clock.now()),
        )
        .values(state=answer.value, decided_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    if int(getattr(won, "rowcount", 0)) == 1:
        db.session.expire(document)
        return None
    db.session.refresh(document)
    return _explain(document, answer, seen, expired=document.state_on(today) == State.EXPIRED)


def _explain(document: Document, answer: Answer, seen: int, *, expired: bool) -> Decision:
    """The standing answer if it is the same one; otherwise the refusal that fits."""
    what = document.label.lower()
    if document.is_void:
        raise QuoteWithdrawn(f"This {what} was withdrawn and can no longer be answered.")
    revision = documents.revision_of(document, document.shown_revision)
    standing = documents.standing_decision(revision.id)
    if standing is not None and document.state in {State.ACCEPTED, State.DECLINED}:
        if standing.revision != seen:
            raise QuoteChanged(_changed(what))
        if standing.answer == answer:
            return standing
        said = _said(document, standing)
        raise AlreadyDecided(f"This {what} was already {said}; nothing was changed.")
    if document.state != State.SENT:
        raise BeingRevised(
            f"A new version of this {what} is being prepared. You will get a mail when it is "
            "ready, and nothing was decided."
        )
    if seen != document.shown_revision:
        raise QuoteChanged(_changed(what))
    if expired:
        end = "its last valid day is over" if document.expires_at is None else "its time is over"
        raise QuoteExpired(f"This {what} is no longer open: {end}.")
    raise NothingToDecide


def _said(document: Document, decision: Decision) -> str:
    """The answer in the words of its kind: accepted, declined, approved, queried."""
    return document.says[Answer(decision.answer)]


def _deed(document: Document, answer: Answer) -> Activity:
    """What the log calls an answer to this kind of document."""
    yes = answer is Answer.ACCEPTED
    if isinstance(document, Quote):
        return Activity.APPROVE_QUOTE if yes else Activity.DECLINE_QUOTE
    return Activity.ACCEPT_DOCUMENT if yes else Activity.DECLINE_DOCUMENT


def _changed(what: str) -> str:
    return f"This {what} changed while you were reading, so nothing was decided."


def _write(
    document: Document,
    answer: Answer,
    signatory: Signatory,
    *,
    via: Via,
    link_id: int | None = None,
    account_id: int | None = None,
    contact_id: int | None = None,
    visitor: Visitor | None = None,
    recorded_by: str | None = None,
) -> Decision:
    revision = documents.revision_of(document, document.current_revision)
    contact = db.session.get(Contact, contact_id) if contact_id else None
    visitor = visitor or Visitor()
    decision = Decision(
        receipt_code="-".join(
            "".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4)
        ),
        organization_id=document.organization_id,
        customer_id=document.customer_id,
        document_id=document.id,
        revision_id=revision.id,
        revision=revision.number,
        content_sha256=fingerprint(revision.content),
        answer=answer.value,
        via=via.value,
        link_id=link_id,
        account_id=account_id,
        contact_id=contact_id,
        contact_name=contact.name if contact else None,
        contact_email=contact.email if contact else None,
        signatory=signatory.name,
        po_number=signatory.po_number,
        note=signatory.note,
        decided_at=clock.now(),
        ip=visitor.ip,
        user_agent=visitor.user_agent[:1000] if visitor.user_agent else None,
        recorded_by=recorded_by,
        seal="",
    )
    decision.seal = tokens.seal("decision", evidence(decision)).hex()
    db.session.add(decision)
    db.session.flush()
    return decision


_EVIDENCE = (
    "receipt_code", "organization_id", "customer_id", "document_id", "revision_id", "revision",
    "content_sha256", "answer", "via", "link_id", "contact_id", "contact_name", "contact_email",
    "signatory", "po_number", "note", "ip", "user_agent", "recorded_by",
)  # fmt: skip


def evidence(decision: Decision) -> bytes:
    """Everything a decision's seal covers, in one canonical form."""
    values = {name: getattr(decision, name) for name in _EVIDENCE}
    values["decided_at"] = decision.decided_at.isoformat()
    if decision.account_id is not None:  # links alone could answer when the first seals were made
        values["account_id"] = decision.account_id
    return json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _tell_both_sides(document: Document, decision: Decision) -> None:
    """Both sides get a receipt, rendered and sent later by the worker; colleagues are told."""
    common = {
        "organization_id": document.organization_id,
        "customer_id": document.customer_id,
        "document_id": document.id,
    }
    if decision.contact_id is not None:
        contacts = [decision.contact_id]
    else:  # a copied link or an answer by phone: whoever is on file learns of it
        contacts = [contact.id for contact in sending.recipients(document.customer_id)]
    for contact_id in contacts:
        outbox.post(
            MailKind.RECEIPT_CUSTOMER,
            contact_id=contact_id,
            reference={"decision": decision.id},
            **common,
        )
    outbox.post(MailKind.RECEIPT_STAFF, reference={"decision": decision.id}, **common)
    notifications.tell_decided(document, decision, mailed=contacts)


def _staff_entry(type_: Activity, document: Document, by: str, **details: object) -> Entry:
    return Entry(
        type_,
        ActorKind.STAFF,
        actor=by,
        organization_id=document.organization_id,
        customer_id=document.customer_id,
        document_id=document.id,
        details=details,
    )


# --- verifying ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Verification:
    """What a receipt's code leads to; ``problems`` is empty where everything holds."""

    decision: Decision
    document: Document
    problems: tuple[str, ...]


def verify(receipt_code: str) -> Verification:
    """Check a receipt against the database: seal, revision and content (spec L8). Raises Unknown."""
    decision = db.session.execute(
        sa.select(Decision).where(Decision.receipt_code == receipt_code.strip().upper())
    ).scalar_one_or_none()
    if decision is None:
        raise Unknown("No decision has this receipt code.")
    revision = db.session.get(DocumentRevision, decision.revision_id)
    problems = []
    if not tokens.seal_holds("decision", evidence(decision), _unhex(decision.seal)):
        problems.append(
            "The recorded evidence was changed after the decision, or the key that sealed it is gone."
        )
    if revision is None:
        problems.append("The revision that was agreed to is missing.")
    elif not fingerprint(revision.content) == revision.content_sha256 == decision.content_sha256:
        problems.append("The content of the revision is not what was agreed to.")
    return Verification(
        decision, db.session.get_one(Document, decision.document_id), tuple(problems)
    )


def _unhex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""

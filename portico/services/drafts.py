"""Documents written in the console: begun, saved, changed (spec C4, C5).

Content is only ever added: each saving that changes something makes a revision.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from portico import clock
from portico.db import db, unit_of_work
from portico.records.activity import Activity, ActorKind
from portico.records.content import DocumentContent, Kind, Party, fingerprint
from portico.records.customer import Customer
from portico.records.document import KINDS, Document, DocumentRevision, State
from portico.records.organization import Organization
from portico.records.project import Project
from portico.refusals import BadInput, ChangedMeanwhile, StaffRefusal, Unknown
from portico.services import (
    activity,
    documents,
    links,
    numbering,
    parties,
    payments,
    shared_papers,
)
from portico.services.activity import Entry
from portico.services.documents import Draft
from portico.services.shared_papers import TypedShared
from portico.services.typed_papers import (
    TypedLine,
    TypedPaper,
    address_of,
    content_of,
    lost_by_editing,
    typed_of,
)
from portico.text import one_line

_STARTS = {
    Kind.QUOTE: "Q",
    Kind.INVOICE: "INV",
    Kind.PROPOSAL: "P",
    Kind.REQUEST: "R",
    Kind.ACCEPTANCE: "A",
    Kind.TIME_APPROVAL: "T",
}
_DAYS = {Kind.QUOTE: 30, Kind.INVOICE: 14, Kind.PROPOSAL: 30, Kind.REQUEST: 14, Kind.ACCEPTANCE: 7}
_RECENT = 50  # so many numbers tell how a series goes on


@dataclass(frozen=True, slots=True)
class Seen:
    """How a document stood when somebody began to edit it."""

    revision: int
    decided: bool  # an answer of the customer stood on it


# --- a new one --------------------------------------------------------------------------------


def blank(organization_id: int, kind: Kind) -> TypedPaper:
    """The form to begin with: the next number, today, and currency and tax as the last time."""
    organization = db.session.get_one(Organization, organization_id)
    today = clock.today(organization.timezone)
    recent = _recent(organization_id, kind)
    newest = documents.find(recent[0].id) if recent else None
    last = documents.current_content(newest) if newest else None
    tax = next((line.tax for line in typed_of(last).lines), "") if last else ""
    return TypedPaper(
        number=next_number(organization, kind),
        issued_on=today.isoformat(),
        last_day=(today + dt.timedelta(days=_DAYS[kind])).isoformat(),
        currency=last.currency if last else "EUR",
        lines=(TypedLine(quantity="1", tax=tax),),
    )


def blank_shared(organization_id: int, kind: Kind) -> TypedShared:
    """The form of a proposal, a request, an acceptance or hours to begin with."""
    organization = db.session.get_one(Organization, organization_id)
    today = clock.today(organization.timezone)
    days = _DAYS.get(kind)
    return TypedShared(
        number=next_number(organization, kind),
        issued_on=today.isoformat(),
        last_day=(today + dt.timedelta(days=days)).isoformat() if days else "",
    )


def address_for(customer_id: int) -> str:
    """Where the customer's papers went last, as somebody would type it."""
    return address_of(parties.buyer(db.session.get_one(Customer, customer_id)))


def next_number(organization: Organization, kind: Kind) -> str:
    """The number that follows the newest ones of its kind and is free."""
    newest = [row.number for row in _recent(organization.id, kind)]
    year = clock.today(organization.timezone).year
    number = numbering.following(newest, year, _STARTS[kind])
    while _holder(organization.id, kind, number) is not None:
        number = numbering.after(number)
    return number


def _recent(organization_id: int, kind: Kind) -> Sequence[Any]:
    """Ids and numbers of the newest of a kind, the last one first. Each state is a range of an
    index, so that it costs the same however many there are."""
    parts = [
        sa.select(Document.id, Document.number)
        .where(
            Document.organization_id == organization_id,
            Document.kind == kind.value,
            Document.state == state.value,
        )
        .order_by(Document.issued_on.desc(), Document.id.desc())
        .limit(_RECENT)
        .subquery()
        .select()
        for state in sorted(KINDS[kind].states)
    ]
    every = sa.union_all(*parts).subquery()
    return db.session.execute(
        sa.select(every.c.id, every.c.number).order_by(every.c.id.desc()).limit(_RECENT)
    ).all()


def create(
    customer_id: int, kind: Kind, typed: TypedPaper | TypedShared, *, post: bool, by: str
) -> int:
    """A new document, posted or as a draft; returns its id. What was written already with this
    very number and content is not written again: a second click makes no second document.

    Raises BadInput with every field that is wrong, Unknown.
    """
    try:
        with unit_of_work():
            customer = db.session.get(Customer, customer_id)
            if customer is None:
                raise Unknown("There is no such customer.")
            organization = _hold_numbers(customer.organization_id)
            seller, buyer = parties.seller(organization), parties.buyer(customer)
            project = _project(customer.id, typed)
            content = _content(kind, typed, seller, buyer, organization, project)
            written = _written_already(customer, content, post=post)
            if written is not None:
                return written
            _require_free(organization, kind, content.number)
            payments.hold_books(customer.id)
            draft = Draft(content, content.number, post=post)
            document = documents.add(draft, organization, customer, by=by)
            document.project_id = project.id if project else None
            _log(Activity.WRITE_DOCUMENT, document, by, posted=post)
            return document.id
    except IntegrityError:
        raise BadInput({"number": "This number was taken in this moment."}) from None


# --- a change ---------------------------------------------------------------------------------


def why_not(document_id: int) -> str | None:
    """Why a document cannot be edited in the console, in a sentence; None where it can."""
    document = documents.find(document_id)
    return _refuses(document, documents.current_content(document))


def _refuses(document: Document, content: DocumentContent) -> str | None:
    if document.is_void:
        return "It was withdrawn or cancelled and cannot be changed."
    if content.kind not in _STARTS:
        return "This kind is not edited here; it comes by import."
    if content.kind in shared_papers.KINDS:
        return _refuses_shared(document, content)
    lost = lost_by_editing(content)
    if lost:
        return (
            f"It was imported and has {', '.join(lost)}. This form does not know that and would "
            "lose it, so please change it where it came from and import it again."
        )
    return None


def _refuses_shared(document: Document, content: DocumentContent) -> str | None:
    if document.state in {State.IN_PROGRESS, State.COMPLETED}:
        return "Answers were given to this request; please make a new one."
    zone = db.session.get_one(Organization, document.organization_id).timezone
    if shared_papers.lost_by_editing(content, zone):
        return (
            "It was imported and says more than this form knows, so please change it where it "
            "came from and import it again."
        )
    return None


def change(
    document_id: int,
    typed: TypedPaper | TypedShared,
    *,
    seen: Seen,
    reason: str,
    post: bool,
    by: str,
) -> bool:
    """Save a document as it was edited; returns whether anything changed.

    A draft may be posted with it. What was posted keeps its number and needs a *reason*, and
    what was sent has to be sent again before its customer sees the change (spec L9). What a second
    click sends was saved by the first. Raises BadInput, StaffRefusal, ChangedMeanwhile.
    """
    with unit_of_work():
        head = documents.find(document_id)
        organization = _hold_numbers(head.organization_id)
        payments.hold_books(head.customer_id)
        document = links.held(document_id)
        revision = documents.revision_of(document, document.current_revision)
        before = documents.content_of(revision)
        try:
            _require_unchanged(document, revision, seen)
        except ChangedMeanwhile:
            if _saved_before(document, revision, typed, organization, by):
                return True
            raise
        refused = _refuses(document, before)
        if refused:
            raise StaffRefusal(refused)
        was_draft = document.state == State.DRAFT
        project = _project(document.customer_id, typed)
        after = _edited(document, typed, before, organization, project)
        if isinstance(typed, TypedShared):
            document.project_id = project.id if project else None
        if was_draft:
            _renumber(organization, document, after.number)
        changed = fingerprint(after.canonical()) != revision.content_sha256
        if changed:
            reason = one_line(reason, "reason", 500, required=not was_draft)
            draft = Draft(after, document.external_id, post=False)
            documents.revise(document, draft, by=by, reason=reason)
            number = document.current_revision
            _log(Activity.REVISE_DOCUMENT, document, by, revision=number, reason=reason)
        if was_draft and post:
            documents.post_draft(document.id, by=by)
        return changed


def _saved_before(
    document: Document,
    revision: DocumentRevision,
    typed: TypedPaper | TypedShared,
    organization: Organization,
    by: str,
) -> bool:
    """Whether the newest revision is what the same person saved just now. The document is held."""
    if revision.created_by != by or not clock.is_just_now(revision.created_at):
        return False
    project, content = _project(document.customer_id, typed), documents.content_of(revision)
    after = _edited(document, typed, content, organization, project)
    return fingerprint(after.canonical()) == revision.content_sha256


def _content(
    kind: Kind,
    typed: TypedPaper | TypedShared,
    seller: Party,
    buyer: Party,
    organization: Organization,
    project: Project | None,
    base: DocumentContent | None = None,
) -> DocumentContent:
    if isinstance(typed, TypedPaper):
        return content_of(kind, typed, seller, buyer, base=base)
    name = project.name if project else None
    return shared_papers.content_of(
        kind, typed, seller, buyer, zone=organization.timezone, project=name, base=base
    )


def _project(customer_id: int, typed: TypedPaper | TypedShared) -> Project | None:
    """The customer's project that was chosen. Raises BadInput for another's."""
    if isinstance(typed, TypedPaper) or not typed.project:
        return None
    chosen = typed.project
    fits = chosen.isascii() and chosen.isdigit() and len(chosen) <= 18
    project = db.session.get(Project, int(chosen)) if fits else None
    if project is None or project.customer_id != customer_id:
        raise BadInput({"project": "Please choose one of this customer's projects."})
    return project


def _edited(
    document: Document,
    typed: TypedPaper | TypedShared,
    before: DocumentContent,
    organization: Organization,
    project: Project | None,
) -> DocumentContent:
    """Raises BadInput where the form is wrong, or says what can no longer change."""
    after = _content(
        before.kind, typed, before.seller, before.buyer, organization, project, base=before
    )
    if document.state == State.DRAFT:
        return after
    errors = {}
    if after.number != before.number:
        errors["number"] = "What was posted keeps its number."
    if after.currency != document.currency and document.balance != document.payable:
        errors["currency"] = "Something is paid on it already, so its currency stays."
    if errors:
        raise BadInput(errors)
    return after


def _require_unchanged(document: Document, revision: DocumentRevision, seen: Seen) -> None:
    if document.current_revision != seen.revision:
        raise ChangedMeanwhile(
            f"{revision.created_by} changed this while you were editing: it is now revision "
            f"{revision.number}. Nothing of what you typed is lost, and nothing was saved."
        )
    if (documents.standing_decision(revision.id) is not None) != seen.decided:
        raise ChangedMeanwhile(
            "The customer's answer changed while you were editing. Nothing of what you typed is "
            "lost, and nothing was saved."
        )


# --- numbers ----------------------------------------------------------------------------------


def _hold_numbers(organization_id: int) -> Organization:
    """Nobody else takes a number until the running unit of work ends; imports hold this too."""
    return db.session.execute(
        sa.select(Organization)
        .where(Organization.id == organization_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).scalar_one()


def _require_free(
    organization: Organization, kind: Kind, number: str, but: int | None = None
) -> None:
    if _holder(organization.id, kind, number, but) is not None:
        free = next_number(organization, kind)
        raise BadInput({"number": f"{number} is taken. The next free number is {free}."})


def _holder(organization_id: int, kind: Kind, number: str, but: int | None = None) -> int | None:
    """The document that has a number, or is known by it in the books."""
    for column in (Document.external_id, Document.number):
        held = sa.select(Document.id).where(
            Document.organization_id == organization_id,
            Document.kind == kind.value,
            column == number,
            Document.id != but if but is not None else sa.true(),
        )
        found = db.session.execute(held.limit(1)).scalar()
        if found is not None:
            return found
    return None


def _written_already(customer: Customer, content: DocumentContent, *, post: bool) -> int | None:
    """The customer's document that says the very same, posted or a draft as was asked for."""
    holder = _holder(customer.organization_id, content.kind, content.number)
    if holder is None:
        return None
    document = documents.find(holder)
    newest = documents.revision_of(document, document.current_revision)
    same = newest.content_sha256 == fingerprint(content.canonical())
    is_as_asked = document.is_posted == post and not document.is_void
    return holder if same and is_as_asked and document.customer_id == customer.id else None


def _renumber(organization: Organization, document: Document, number: str) -> None:
    """A draft's number may change, and what the books know it by goes along."""
    if number == document.number:
        return
    _require_free(organization, Kind(document.kind), number, but=document.id)
    if document.external_id == document.number:
        document.external_id = number
        db.session.flush()


def _log(type_: Activity, document: Document, by: str, **details: Any) -> None:
    activity.record(
        Entry(
            type_,
            ActorKind.STAFF,
            actor=by,
            organization_id=document.organization_id,
            customer_id=document.customer_id,
            document_id=document.id,
            details={"number": document.number, **details},
        )
    )

"""Import: a file's documents into an organization, all or none (spec I1).

Identity is organization, kind and external id. The same content again changes nothing; other
content under the same id is refused, unless an update was asked for, which makes a revision.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from portico import clock
from portico.config import settings
from portico.db import db, unit_of_work
from portico.records.activity import Activity, ActorKind
from portico.records.content import fingerprint
from portico.records.customer import Contact, Customer
from portico.records.document import KINDS, Document
from portico.records.organization import Organization
from portico.refusals import Conflict, Refusal, StaffRefusal
from portico.services import activity, documents, team
from portico.services.activity import Entry
from portico.services.documents import Draft
from portico.services.imports import portico_json, ubl
from portico.services.imports.parsed import CustomerHints, ParsedDocument
from portico.services.imports.refusals import BadFile, Problem
from portico.text import one_line


class Outcome(StrEnum):
    ADDED = "added"
    REVISED = "revised"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one document of a file."""

    document_id: int
    kind_label: str
    number: str
    outcome: Outcome
    customer: str
    warnings: tuple[str, ...]
    can_be_sent: bool


Progress = Callable[[int, int], None]


def import_file(
    data: bytes,
    organization: str,
    *,
    by: str,
    external_id: str | None = None,
    update: bool = False,
    strict: bool = False,
    draft: bool = False,
    progress: Progress | None = None,
) -> list[Imported]:
    """Import UBL or JSON into an organization (by its short name), in one transaction.

    *strict* refuses what would be a warning. Raises BadFile with every problem, Unknown.
    """
    parsed = _read(data)
    if external_id is not None:
        if len(parsed) != 1:
            raise StaffRefusal("An external id can be given for a file with one document only.")
        parsed = [_renamed(parsed[0], external_id)]
    warned = [(one, _warnings(one)) for one in parsed]
    if strict:
        problems = [
            Problem(f"{one.content.number}: {text}") for one, texts in warned for text in texts
        ]
        if problems:
            raise BadFile(problems)
    done = []
    try:
        with unit_of_work():
            owner = team.find_organization(organization)
            # One import at a time: two that meet a new customer would make that customer twice.
            db.session.refresh(owner, with_for_update={"key_share": True})
            for position, (one, warnings) in enumerate(warned, 1):
                done.append(_store(one, warnings, owner, by=by, update=update, draft=draft))
                if progress is not None:
                    progress(position, len(warned))
    except IntegrityError:
        raise Conflict(
            "The same documents were being imported at the same time; please try again."
        ) from None
    return done


def _read(data: bytes) -> list[ParsedDocument]:
    if len(data) > settings().max_import:
        size = settings().max_import // (1024 * 1024)
        raise BadFile([Problem(f"The file is larger than {size} MB; nothing was imported.")])
    start = data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start[:1] in {b"{", b"["}:
        return portico_json.read(data)
    return [ubl.read(data)]


def _renamed(one: ParsedDocument, external_id: str) -> ParsedDocument:
    name = one_line(external_id, "external_id", 500)
    return ParsedDocument(one.content, name, one.customer, one.draft, one.warnings, one.attachments)


def _warnings(one: ParsedDocument) -> tuple[str, ...]:
    found = one.warnings
    return tuple(dict.fromkeys(str(warning) for warning in found))


def _store(
    one: ParsedDocument,
    warnings: tuple[str, ...],
    owner: Organization,
    *,
    by: str,
    update: bool,
    draft: bool,
) -> Imported:
    content = one.content
    customer = _match(one.customer, owner)
    new = Draft(content, one.external_id, warnings, one.attachments, post=not (draft or one.draft))
    existing = db.session.execute(
        sa.select(Document)
        .where(
            Document.organization_id == owner.id,
            Document.kind == content.kind.value,
            Document.external_id == one.external_id,
        )
        .with_for_update(key_share=True)  # no answer comes between reading and revising
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if existing is None:
        customer = customer or _create(one.customer, content.buyer.name, owner)
        document = documents.add(new, owner, customer, by=by)
        outcome = Outcome.ADDED
    else:
        document = existing
        named, customer = customer, db.session.get_one(Customer, existing.customer_id)
        outcome = _again(existing, new, named, customer, by=by, update=update)
    if outcome is not Outcome.UNCHANGED:
        _log(document, outcome, by)
    return Imported(
        document.id,
        KINDS[content.kind].label,
        content.number,
        outcome,
        customer.name,
        warnings,
        can_be_sent=_has_recipient(customer.id),
    )


def _again(
    existing: Document,
    new: Draft,
    named: Customer | None,
    customer: Customer,
    *,
    by: str,
    update: bool,
) -> Outcome:
    current = documents.revision_of(existing, existing.current_revision)
    if current.content_sha256 == fingerprint(new.content.canonical()):
        return Outcome.UNCHANGED
    if not update:
        label = KINDS[new.content.kind].label.lower()
        raise BadFile(
            [
                Problem(
                    f"There is already another {label} with the id “{new.external_id}”. Ask for an "
                    "update to make this a new revision of it, or give this one an id of its own."
                )
            ]
        )
    if named is not None and named.id != customer.id:
        # Its links are in the first customer's mailbox and must not show another's figures.
        raise BadFile(
            [
                Problem(
                    f"The {KINDS[new.content.kind].label.lower()} “{new.external_id}” belongs to "
                    f"{customer.name}, and this file names {named.name}. "
                    "Give this one an id of its own."
                )
            ]
        )
    try:
        documents.revise(existing, new, by=by, reason="imported again")
    except Refusal as refusal:
        raise BadFile([Problem(refusal.sentence)]) from None
    return Outcome.REVISED


# --- the buyer -------------------------------------------------------------------------------


def _match(hints: CustomerHints, owner: Organization) -> Customer | None:
    """By external id, then tax or endpoint id, then exact name; one that fits several fits none."""
    endpoints = [f"{one.scheme or ''}:{one.value}" for one in hints.endpoints]
    for column, values in (
        (Customer.external_id, hints.external_ids),
        (Customer.tax_id, hints.tax_ids),
        (Customer.endpoint, endpoints),
        (Customer.name, hints.names),
    ):
        if not values:
            continue
        found = (
            db.session.execute(
                sa.select(Customer)
                .where(Customer.organization_id == owner.id, column.in_(values))
                .limit(2)
            )
            .scalars()
            .all()
        )
        if len(found) == 1:
            return found[0]
    return None


def _create(hints: CustomerHints, name: str, owner: Organization) -> Customer:
    """A new customer from what the file says, with contacts where it names an e-mail address."""
    external_id = next(iter(hints.external_ids), None)
    taken = (
        external_id is not None
        and db.session.execute(
            sa.select(Customer.id).where(
                Customer.organization_id == owner.id, Customer.external_id == external_id
            )
        ).first()
    )
    endpoint = next(iter(hints.endpoints), None)
    customer = Customer(
        organization_id=owner.id,
        external_id=None if taken else external_id,
        name=_on_one_line(next(iter(hints.names), name)),
        tax_id=next(iter(hints.tax_ids), None),
        endpoint=f"{endpoint.scheme or ''}:{endpoint.value}" if endpoint else None,
        created_at=clock.now(),
    )
    db.session.add(customer)
    db.session.flush()
    for hint in hints.contacts:
        email = _usable(hint.email)
        if email is None:
            continue
        db.session.add(
            Contact(
                organization_id=owner.id,
                customer_id=customer.id,
                name=_personal_name(hint.name) or email[:200],
                email=email,
                created_at=clock.now(),
            )
        )
    db.session.flush()
    return customer


def _on_one_line(name: str) -> str:
    """A file may break a name over lines; the header of a mail may not."""
    return " ".join(name.split())


def _personal_name(name: str | None) -> str:
    """A contact's name as it could have been typed; empty where it could not."""
    try:
        return one_line(name or "", "name", 200)
    except Refusal:
        return ""


def _usable(email: str | None) -> str | None:
    try:
        return team.check_email(email) if email else None
    except Refusal:
        return None  # shown on the document as it is; no mail can go there


def _has_recipient(customer_id: int) -> bool:
    return (
        db.session.execute(
            sa.select(Contact.id)
            .where(
                Contact.customer_id == customer_id, Contact.is_active, Contact.email.is_not(None)
            )
            .limit(1)
        ).first()
        is not None
    )


def _log(document: Document, outcome: Outcome, by: str) -> None:
    activity.record(
        Entry(
            Activity.IMPORT_DOCUMENT,
            ActorKind.STAFF,
            actor=by,
            organization_id=document.organization_id,
            customer_id=document.customer_id,
            document_id=document.id,
            details={"outcome": outcome.value, "revision": document.current_revision},
        )
    )

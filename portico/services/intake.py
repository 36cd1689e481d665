"""Import: a file's documents, payments and projects into an organization, all or none (spec I1).

Identity is organization, kind and external id. The same content again changes nothing; other
content under the same id is refused, unless an update was asked for, which makes a revision.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import chain

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from portico.config import settings
from portico.db import db, unit_of_work
from portico.records.activity import Activity, ActorKind
from portico.records.content import fingerprint
from portico.records.customer import Customer
from portico.records.document import KINDS, Document
from portico.records.organization import Organization
from portico.refusals import Conflict, Refusal, StaffRefusal
from portico.services import (
    activity,
    buyers,
    documents,
    payment_intake,
    payments,
    project_intake,
    team,
)
from portico.services.activity import Entry
from portico.services.documents import Draft
from portico.services.imports import portico_json, ubl
from portico.services.imports.outcome import Imported, Outcome
from portico.services.imports.parsed import ParsedDocument
from portico.services.imports.portico_json import ParsedFile
from portico.services.imports.refusals import BadFile, Problem
from portico.text import one_line

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

    Documents come first, so that the payments of the same file can settle them. *strict*
    refuses what would be a warning. Raises BadFile with every problem, Unknown.
    """
    file = _read(data)
    parsed, paid = file.documents, file.payments
    if external_id is not None:
        parsed = [_renamed(file, external_id)]
    warned = [(one, _warnings(one)) for one in parsed]
    if strict:
        _refuse_warnings(warned)
    done: list[Imported] = []
    count = len(warned) + len(paid) + len(file.projects)
    try:
        with unit_of_work():
            owner = team.find_organization(organization)
            # One import at a time: two that meet a new customer would make that customer twice.
            db.session.refresh(owner, with_for_update={"key_share": True})
            for one, warnings in warned:
                done.append(_store(one, warnings, owner, by=by, update=update, draft=draft))
                if progress is not None:
                    progress(len(done), count)
            # What payments settle, and projects, is held before the log is: whoever sends a document does so too.
            ready = payment_intake.prepare(paid, owner, update=update)
            followed = project_intake.prepare(file.projects, owner, update=update)
            for stored in done:
                _log(stored, owner, by)
            for settled in chain(
                payment_intake.store(ready, by=by), project_intake.store(followed, by=by)
            ):
                done.append(settled)
                if progress is not None:
                    progress(len(done), count)
    except IntegrityError:
        raise Conflict(
            "The same documents were being imported at the same time; please try again."
        ) from None
    return done


def _read(data: bytes) -> ParsedFile:
    if len(data) > settings().max_import:
        size = settings().max_import // (1024 * 1024)
        raise BadFile([Problem(f"The file is larger than {size} MB; nothing was imported.")])
    start = data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start[:1] in {b"{", b"["}:
        return portico_json.read_all(data)
    return ParsedFile([ubl.read(data)], [], [])


def _renamed(file: ParsedFile, external_id: str) -> ParsedDocument:
    if len(file.documents) != 1 or file.payments or file.projects:
        raise StaffRefusal("An external id can be given for a file with one document only.")
    name = one_line(external_id, "external_id", 500)
    return replace(file.documents[0], external_id=name)


def _refuse_warnings(warned: list[tuple[ParsedDocument, tuple[str, ...]]]) -> None:
    problems = [Problem(f"{one.content.number}: {text}") for one, texts in warned for text in texts]
    if problems:
        raise BadFile(problems)


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
    customer = buyers.match(one.customer, owner)
    new = Draft(content, one.external_id, warnings, one.attachments, post=not (draft or one.draft))
    identity = (
        Document.organization_id == owner.id,
        Document.kind == content.kind.value,
        Document.external_id == one.external_id,
    )
    held_by = db.session.execute(sa.select(Document.customer_id).where(*identity)).scalar()
    for customer_id in (held_by, customer.id if customer else None):
        if customer_id is not None:  # before its documents, as whoever settles them does
            payments.hold_books(customer_id)
    existing = db.session.execute(
        sa.select(Document)
        .where(*identity)
        .with_for_update(key_share=True)  # no answer comes between reading and revising
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if existing is None:
        customer = customer or buyers.create(one.customer, content.buyer.name, owner)
        document = documents.add(new, owner, customer, by=by)
        outcome = Outcome.ADDED
    else:
        document = existing
        named, customer = customer, db.session.get_one(Customer, existing.customer_id)
        outcome = _again(existing, new, named, customer, by=by, update=update)
    return Imported(
        KINDS[content.kind].label,
        content.number,
        outcome,
        customer.name,
        document_id=document.id,
        warnings=warnings,
        can_be_sent=buyers.has_recipient(customer.id),
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


def _log(stored: Imported, owner: Organization, by: str) -> None:
    if stored.outcome is Outcome.UNCHANGED:
        return
    document = db.session.get_one(Document, stored.document_id)
    activity.record(
        Entry(
            Activity.IMPORT_DOCUMENT,
            ActorKind.STAFF,
            actor=by,
            organization_id=owner.id,
            customer_id=document.customer_id,
            document_id=document.id,
            details={"outcome": stored.outcome.value, "revision": document.current_revision},
        )
    )

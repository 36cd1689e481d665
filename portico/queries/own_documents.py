"""A document of the customer who is signed in, read in one statement (spec A1, T3)."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from portico.db import reading
from portico.queries.faces import decision_face, document_columns, document_face
from portico.queries.lists import LARGEST_ID
from portico.queries.rows import Part, columns
from portico.queries.shown import Shown, decision_columns
from portico.queries.signed_in import SignedIn
from portico.records.content import Kind
from portico.records.decision import Decision
from portico.records.document import Document, DocumentRevision, State
from portico.records.message import Message

_doc, _rev = Document.__table__, DocumentRevision.__table__
_decision, _message = Decision.__table__, Message.__table__
_one = (
    sa.select(
        *columns(_doc, "doc", *document_columns),
        *columns(_rev, "rev", "content", "content_sha256"),
        *columns(_decision, "decision", *decision_columns),
        sa.exists().where(_message.c.document_id == _doc.c.id).label("talks"),
    )
    .select_from(
        sa.join(_doc, _rev, sa.and_(
            _rev.c.document_id == _doc.c.id,
            _rev.c.number == sa.func.coalesce(_doc.c.sent_revision, _doc.c.current_revision),
        ))
        .outerjoin(_decision, sa.and_(
            _decision.c.revision_id == _rev.c.id, _decision.c.reversed_at.is_(None),
        ))
    )
    .where(
        _doc.c.id == sa.bindparam("id"),
        _doc.c.organization_id == sa.bindparam("organization_id"),
        _doc.c.customer_id == sa.bindparam("customer_id"),
        _doc.c.kind.in_(sa.bindparam("kinds", expanding=True)),
        _doc.c.posted_at.is_not(None),
        _doc.c.state != State.DRAFT.value,
    )
)  # fmt: skip


def find(who: SignedIn, kinds: Iterable[Kind], document_id: int) -> Shown | None:
    """The document with this id, of one of these kinds, as its page shows it.

    None where it is not there, not posted, or somebody else's: nobody can tell which.
    """
    if not 0 < document_id <= LARGEST_ID:
        return None
    actor = who.actor.at(document_id)
    values = {
        "id": document_id,
        "organization_id": actor.organization_id,
        "customer_id": actor.customer_id,
        "kinds": [kind.value for kind in kinds],
    }
    with reading() as connection:
        row = connection.execute(_one, values).first()
    if row is None:
        return None
    return Shown(
        actor=actor,
        org=who.org,
        document=document_face(Part(row, "doc"), who.org.zone),
        customer_name=who.customer_name,
        content_json=row.rev_content,
        content_sha256=row.rev_content_sha256,
        decision=decision_face(Part(row, "decision")) if row.decision_id is not None else None,
        talks=row.talks,
    )

"""Settings of an organization that are not fields of its record (spec C7, L4)."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from portico.db import db, unit_of_work
from portico.queries.settings import Lifetime
from portico.records.activity import Activity, ActorKind
from portico.records.content import Kind
from portico.records.organization import LinkLifetime, Organization
from portico.refusals import BadInput
from portico.services import activity
from portico.services.activity import Entry

LONGEST_LIFE = 24 * 366  # hours


def set_link_lifetimes(organization_id: int, wanted: Mapping[Kind, Lifetime], *, by: str) -> None:
    """How long links made from now on live. Raises BadInput, naming the kinds."""
    errors = {}
    for kind, life in wanted.items():
        if not 1 <= life.hours <= LONGEST_LIFE:
            errors[f"hours_{kind.value}"] = f"A link lives from 1 to {LONGEST_LIFE} hours."
        if life.until_validity and kind is not Kind.QUOTE:
            errors[f"hours_{kind.value}"] = "Only quotes have a last valid day."
    if errors:
        raise BadInput(errors)
    with unit_of_work():
        db.session.execute(
            sa.select(Organization.id)
            .where(Organization.id == organization_id)
            .with_for_update(key_share=True)
        )
        changed = []
        for kind, life in wanted.items():
            kept = db.session.get(LinkLifetime, (organization_id, kind.value))
            if life == (Lifetime(kept.hours, kept.until_validity) if kept else Lifetime()):
                continue
            changed.append(kind)
            db.session.merge(
                LinkLifetime(
                    organization_id=organization_id,
                    kind=kind.value,
                    hours=life.hours,
                    until_validity=life.until_validity,
                )
            )
        if changed:
            fields = [f"link lifetime of {kind.value}" for kind in changed]
            activity.record(
                Entry(
                    Activity.UPDATE_ORGANIZATION,
                    ActorKind.STAFF,
                    actor=by,
                    organization_id=organization_id,
                    details={"fields": fields},
                )
            )

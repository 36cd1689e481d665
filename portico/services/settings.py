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
from portico.services import activity, marks
from portico.services.activity import Entry

LONGEST_LIFE = 24 * 366  # hours


def lifetime_values(lives: Mapping[Kind, Lifetime]) -> dict[str, tuple[int, bool]]:
    """Lifetimes by the names of their fields, as marks are made of them."""
    return {
        f"hours_{kind.value}": (life.hours, life.until_validity) for kind, life in lives.items()
    }


def set_link_lifetimes(
    organization_id: int, wanted: Mapping[Kind, Lifetime], *, by: str, seen: str | None = None
) -> None:
    """How long links made from now on live. *seen* are the marks of the form that it came from.
    Raises BadInput, naming the kinds, and ChangedSince."""
    errors = {}
    for kind, life in wanted.items():
        if not 1 <= life.hours <= LONGEST_LIFE:
            errors[f"hours_{kind.value}"] = f"A link lives from 1 to {LONGEST_LIFE} hours."
        if life.until_validity and kind is not Kind.QUOTE:
            errors[f"hours_{kind.value}"] = "Only quotes have a last valid day."
    if errors:
        raise BadInput(errors)
    with unit_of_work():
        kept = _held_lifetimes(organization_id)
        changed = [kind for kind, life in wanted.items() if life != kept[kind]]
        replaced = [f"hours_{kind.value}" for kind in changed]
        marks.require_seen(lifetime_values(kept), replaced, seen)
        for kind in changed:
            life = wanted[kind]
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


def _held_lifetimes(organization_id: int) -> dict[Kind, Lifetime]:
    """For every kind; nobody else changes one until the running unit of work ends."""
    db.session.execute(
        sa.select(Organization.id)
        .where(Organization.id == organization_id)
        .with_for_update(key_share=True)
    )
    some = sa.select(LinkLifetime).where(LinkLifetime.organization_id == organization_id)
    kept = {
        one.kind: Lifetime(one.hours, one.until_validity)
        for one in db.session.scalars(some.execution_options(populate_existing=True))
    }
    return {kind: kept.get(kind.value, Lifetime()) for kind in Kind}

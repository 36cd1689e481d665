"""The organization's face: its logo (spec C7). Its colour and its design are plain settings."""

from __future__ import annotations

import hashlib

from portico.db import db, unit_of_work
from portico.files import logos
from portico.records.activity import Activity, ActorKind
from portico.records.organization import Organization
from portico.services import activity
from portico.services.activity import Entry


def set_logo(organization_id: int, data: bytes, *, by: str) -> None:
    """Show this picture (PNG, JPEG or WebP, as it was uploaded) on pages and papers.

    Raises BadInput.
    """
    png = logos.as_png(data)
    _change(organization_id, png, hashlib.sha256(png).hexdigest(), by)


def remove_logo(organization_id: int, *, by: str) -> None:
    """Show the initial again."""
    _change(organization_id, None, None, by)


def _change(organization_id: int, png: bytes | None, sha256: str | None, by: str) -> None:
    with unit_of_work():
        organization = db.session.get_one(Organization, organization_id)
        if organization.logo_sha256 == sha256:
            return
        organization.logo, organization.logo_sha256 = png, sha256
        activity.record(
            Entry(
                Activity.UPDATE_ORGANIZATION,
                ActorKind.STAFF,
                actor=by,
                organization_id=organization_id,
                details={"fields": ["logo"]},
            )
        )

"""Who can sign in to the demonstration: the owner of both organizations."""

from __future__ import annotations

import sqlalchemy as sa

from portico.db import db, unit_of_work
from portico.records.organization import Organization
from portico.records.staff import Role, StaffMember, StaffTokenPurpose
from portico.services import colleagues, delivery, outbox, passwords, staff
from portico.services.activity import Visitor

OWNER = ("Kari Nordby", "kari@halden-joinery.example")


def let_owner_in(password: str, *, by: str, browser: Visitor) -> str:
    """Put the owner on both teams where they are not yet, and give them this password; returns
    the address that they sign in with."""
    name, email = OWNER
    for organization_id in db.session.scalars(sa.select(Organization.id)).all():
        if organization_id not in _roles(email):
            colleagues.invite(name, email, organization_id, Role.OWNER, by=by)
    for mail_id in outbox.due():
        delivery.deliver(mail_id)
    member = staff.find(email)
    if not passwords.holds(password, member.password_hash):
        _set_password(member, password, by, browser)
    return email


def _roles(email: str) -> dict[int, Role]:
    found = db.session.scalar(sa.select(StaffMember.id).where(StaffMember.email == email))
    return staff.roles_of(found) if found else {}


def _set_password(member: StaffMember, password: str, by: str, browser: Visitor) -> None:
    """By a link, as everybody does; the session that it opens is left again."""
    purpose = StaffTokenPurpose.RESET if member.set_up_at else StaffTokenPurpose.INVITATION
    with unit_of_work():
        token_id = staff.new_token(member, purpose, by=by)
    token = staff.token_url(token_id).rpartition("=")[2]
    staff.set_password(purpose, token, password, browser)
    with unit_of_work():
        staff.end_sessions(member.id, "the demonstration is ready")

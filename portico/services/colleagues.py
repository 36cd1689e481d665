"""Who is on the team, and as what: invited, given roles, taken off, disabled (spec C1, C7).

A person has a role in each organization they work in. Whoever acts for one organization changes
roles there and nowhere else; the person as a whole only where every organization they work in is
theirs. No organization loses its last owner who can sign in.
"""

from __future__ import annotations

from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from portico import clock
from portico.db import db, unit_of_work
from portico.records.activity import Activity
from portico.records.mail import MailKind
from portico.records.organization import Organization
from portico.records.staff import Role, StaffMember, StaffNotice, StaffRole
from portico.refusals import Conflict, NotFound, StaffRefusal, Unknown
from portico.services import activity, outbox, second_factor, staff, team
from portico.services.accounts import normal_email
from portico.services.staff import entry, held
from portico.text import one_line


class LastOwner(Conflict):
    """The only owner of an organization who can sign in stays one."""

    title = "Somebody has to be the owner"
    sentence = "This is the last owner who can sign in; make somebody else an owner first."


class NotYoursAlone(StaffRefusal):
    """The person works in an organization that the one who asks does not own."""

    status = 403
    title = "This takes more than one owner"
    sentence = "They work in another organization too, so nothing was changed."
    hint = "You can take them off your own team; the rest is for whoever runs this installation."


class Done(StrEnum):
    """How far a person was shut out."""

    DISABLED = "disabled"
    REMOVED = "removed"


def invite(name: str, email: str, organization_id: int, role: Role, *, by: str) -> StaffMember:
    """Put somebody on the team of an organization. Who is new, or never chose a password, gets a
    mail to choose one; who works in the tenant already keeps their name and gets a notice. A
    disabled person is let in again where they are on no team any more, and nowhere else.

    Raises BadInput, Conflict.
    """
    name, email = one_line(name, "name", 200), normal_email(team.check_email(email))
    try:
        with unit_of_work():
            _hold(organization_id)
            member = _by_email(email) or _add(name, email, by=by)
            _require_invitable(member, organization_id)
            if member.set_up_at is None and not staff.roles_of(member.id):
                member.name = name  # taken off before they came; it may have been misspelled
            db.session.add(
                StaffRole(staff_id=member.id, organization_id=organization_id, role=role.value)
            )
            db.session.flush()
            _let_in(member, by)
            if member.set_up_at is None:
                _post_invitation(member, organization_id)
            else:
                staff.notify(member, StaffNotice.JOINED, organization_id)
            activity.record(
                entry(
                    Activity.INVITE_STAFF, organization_id, by, staff=member.name, role=role.value
                )
            )
    except IntegrityError:
        raise Conflict(f"{email} was invited in this very moment; look at the list.") from None
    return member


def resend(staff_id: int, organization_id: int, *, by: str) -> StaffMember:
    """The invitation once more; the link before is void when it goes out. Raises Unknown,
    Conflict."""
    with unit_of_work():
        member, _role = _colleague(staff_id, organization_id)
        if not member.is_active:
            raise Conflict(f"{member.name} is disabled.")
        if member.set_up_at is not None:
            raise Conflict(
                f"{member.name} has a password already; a new one is mailed by the sign-in page."
            )
        _post_invitation(member, organization_id)
        activity.record(entry(Activity.INVITE_STAFF, organization_id, by, staff=member.name))
    return member


def change_role(staff_id: int, organization_id: int, role: Role, *, by: str) -> StaffMember:
    """Another role in one organization, from the next request on. Raises Unknown, LastOwner."""
    with unit_of_work():
        member, row = _colleague(staff_id, organization_id)
        if row.role != role:
            if row.role == Role.OWNER:
                _keep_an_owner(organization_id, member)
            _log(member, organization_id, by, change="role", role=role.value, before=row.role)
            row.role = role.value
    return member


def remove(staff_id: int, organization_id: int, *, by: str) -> StaffMember:
    """Off the team of one organization; sessions there end. Raises Unknown, LastOwner."""
    with unit_of_work():
        member, row = _colleague(staff_id, organization_id)
        _remove(member, row, by)
    return member


def disable(staff_id: int, organization_id: int, *, by: str, owner_id: int | None = None) -> Done:
    """Shut a person out: as a whole where *owner_id* (None: whoever runs the installation) owns
    every organization they work in, else off this one's team.

    Raises Unknown, LastOwner, StaffRefusal for oneself.
    """
    if staff_id == owner_id:
        raise StaffRefusal("Nobody disables themselves; another owner can.")
    with unit_of_work():
        member, row = _colleague(staff_id, organization_id)
        if not _is_theirs(member, owner_id):
            _remove(member, row, by)
            return Done.REMOVED
        for place in staff.roles_of(member.id):
            _keep_an_owner(place, member)
        if member.is_active:
            member.is_active = False
            member.disabled_at, member.disabled_by = clock.now(), by[:200]
            staff.end_sessions(member.id, "disabled")
            staff.void_tokens(member.id)
            for place in staff.roles_of(member.id):
                _log(member, place, by, change="disabled")
    return Done.DISABLED


def enable(
    staff_id: int, organization_id: int, *, by: str, owner_id: int | None = None
) -> StaffMember:
    """Let a disabled person in again, with the roles they have. Raises Unknown, NotYoursAlone."""
    with unit_of_work():
        member, _role = _colleague(staff_id, organization_id)
        if not _is_theirs(member, owner_id):
            raise NotYoursAlone
        _let_in(member, by)
    return member


def reset_second_factor(
    staff_id: int, organization_id: int, *, by: str, owner_id: int | None = None
) -> StaffMember:
    """For somebody who lost phone and recovery codes: the password alone is asked for again.
    Their sessions end, and they are told. Raises Unknown, NotYoursAlone, StaffRefusal for
    oneself."""
    if staff_id == owner_id:
        raise StaffRefusal("Your own second factor is switched off under Your sign-in.")
    with unit_of_work():
        member, _role = _colleague(staff_id, organization_id)
        if not _is_theirs(member, owner_id):
            raise NotYoursAlone
        if second_factor.clear(member):
            staff.end_sessions(member.id, "second factor removed")
            _log(member, organization_id, by, change="second factor removed")
            staff.notify(member, StaffNotice.SECOND_FACTOR_OFF, organization_id)
    return member


# --- parts ----------------------------------------------------------------------------------


def _hold(organization_id: int) -> None:
    """Nobody else changes who works here until the running unit of work is over.

    A whole person may take several organizations, so all are held, always in one order: teams
    are small, and change seldom.
    """
    held_ids = db.session.execute(
        sa.select(Organization.id).order_by(Organization.id).with_for_update(key_share=True)
    ).scalars()
    if organization_id not in set(held_ids):
        raise NotFound(hint="")


def _colleague(staff_id: int, organization_id: int) -> tuple[StaffMember, StaffRole]:
    """Somebody with a role in the organization, held. Raises Unknown."""
    _hold(organization_id)
    row = db.session.get(StaffRole, (staff_id, organization_id), populate_existing=True)
    if row is None:
        raise Unknown("They are not on this team.")
    return held(staff_id), row


def _by_email(email: str) -> StaffMember | None:
    found = db.session.execute(
        sa.select(StaffMember.id).where(StaffMember.email == email)
    ).scalar_one_or_none()
    return None if found is None else held(found)


def _require_invitable(member: StaffMember, organization_id: int) -> None:
    """Raises Conflict for who is on this team, and for who is disabled and on another: a role here
    would take it from the owners there to let them in again."""
    places, email = staff.roles_of(member.id), member.email
    if organization_id in places and not member.is_active:
        raise Conflict(f"{email} is on the team, but disabled. Let them sign in again instead.")
    if organization_id in places:
        raise Conflict(f"{email} is on the team already.")
    if places and not member.is_active:
        raise Conflict(
            f"{email} is disabled, so nothing was mailed. An owner of the team that they are on "
            "can let them sign in again; then invite them."
        )


def _let_in(member: StaffMember, by: str) -> None:
    if not member.is_active:
        member.is_active = True
        member.disabled_at = member.disabled_by = None
        for place in staff.roles_of(member.id):
            _log(member, place, by, change="enabled")


def _add(name: str, email: str, *, by: str) -> StaffMember:
    member = StaffMember(
        name=name, email=email, is_active=True, created_at=clock.now(), created_by=by[:200]
    )
    db.session.add(member)
    db.session.flush()
    return member


def _post_invitation(member: StaffMember, organization_id: int) -> None:
    outbox.post(
        MailKind.STAFF_INVITATION, organization_id=organization_id, reference={"staff": member.id}
    )


def _remove(member: StaffMember, row: StaffRole, by: str) -> None:
    if row.role == Role.OWNER:
        _keep_an_owner(row.organization_id, member)
    staff.end_sessions(member.id, "taken off the team", organization_id=row.organization_id)
    _log(member, row.organization_id, by, change="removed", before=row.role)
    db.session.delete(row)
    db.session.flush()
    if not staff.roles_of(member.id):
        staff.void_tokens(member.id)


def _keep_an_owner(organization_id: int, but: StaffMember) -> None:
    """Raises LastOwner where *but* is the only one who can sign in as an owner."""
    owners = db.session.execute(
        sa.select(StaffMember.id)
        .join(StaffRole, StaffRole.staff_id == StaffMember.id)
        .where(
            StaffRole.organization_id == organization_id,
            StaffRole.role == Role.OWNER,
            StaffMember.is_active,
            StaffMember.set_up_at.is_not(None),
        )
    ).scalars()
    if set(owners) == {but.id}:
        raise LastOwner


def _is_theirs(member: StaffMember, owner_id: int | None) -> bool:
    """Whether every organization that somebody works in is owned by *owner_id*."""
    if owner_id is None:
        return True
    own = staff.roles_of(owner_id)
    return all(own.get(place) == Role.OWNER for place in staff.roles_of(member.id))


def _log(member: StaffMember, organization_id: int, by: str, **details: object) -> None:
    activity.record(entry(Activity.CHANGE_TEAM, organization_id, by, staff=member.name, **details))

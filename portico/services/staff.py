"""The team's own accounts: made, invited, entered, given roles, disabled (spec C1)."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from portico import clock, tokens
from portico.db import current_tenant, db, unit_of_work
from portico.records.activity import Activity, ActorKind
from portico.records.mail import MailKind
from portico.records.organization import Organization
from portico.records.staff import (
    Role,
    StaffMember,
    StaffRole,
    StaffSession,
    StaffToken,
    StaffTokenPurpose,
)
from portico.refusals import Conflict, NotFound, StaffRefusal, Unknown
from portico.services import activity, outbox, passwords, team
from portico.services.accounts import normal_email
from portico.services.activity import Entry, Visitor
from portico.text import one_line

SESSION_IDLE = dt.timedelta(hours=10)
SESSION_LONGEST = dt.timedelta(days=7)
TOKEN_LIFE = {
    StaffTokenPurpose.INVITATION: dt.timedelta(days=3),
    StaffTokenPurpose.RESET: dt.timedelta(minutes=60),
}
_PATHS = {
    StaffTokenPurpose.INVITATION: "/staff/setup?token=",
    StaffTokenPurpose.RESET: "/staff/reset-password?token=",
}


class StaffTokenSpent(NotFound):
    """An invitation or reset link of the team that does not work (any more)."""

    status = 410
    title = "This link does not work any more"
    sentence = "It may have been used already, or it is too old."
    hint = "Ask for a new one on the sign-in page, or whoever invited you."


# --- people ---------------------------------------------------------------------------------


def create(name: str, email: str, organization: str, role: Role, *, by: str) -> StaffMember:
    """A new member of staff with one role; they get a mail to set their password.

    Raises BadInput, Conflict, Unknown.
    """
    values = {"name": one_line(name, "name", 200), "email": team.check_email(email).lower()}
    try:
        with unit_of_work():
            owner = team.find_organization(organization)
            member = StaffMember(created_at=clock.now(), created_by=by, is_active=True, **values)
            db.session.add(member)
            db.session.flush()
            db.session.add(StaffRole(staff_id=member.id, organization_id=owner.id, role=role.value))
            post_invitation(member, owner.id)
            activity.record(
                entry(Activity.INVITE_STAFF, owner.id, by, staff=member.name, role=role)
            )
    except IntegrityError:
        raise Conflict(f"Somebody of the team has the address {email} already.") from None
    return member


def post_invitation(member: StaffMember, organization_id: int) -> None:
    """The mail by which a member of staff sets their password; the worker makes its token."""
    outbox.post(
        MailKind.STAFF_INVITATION, organization_id=organization_id, reference={"staff": member.id}
    )


def ask_for_reset(email: str) -> None:
    """Somebody typed an address on the sign-in page. Always writes the same row."""
    with unit_of_work():
        organization_id = db.session.execute(sa.select(sa.func.min(Organization.id))).scalar()
        if organization_id is None:
            return
        outbox.post(
            MailKind.STAFF_RESET,
            organization_id=organization_id,
            reference={"email": normal_email(email)[:320]},
        )
        activity.record(entry(Activity.REQUEST_RESET, organization_id, ""))


def find(email: str) -> StaffMember:
    """Raises Unknown."""
    found = db.session.execute(
        sa.select(StaffMember).where(StaffMember.email == email.strip().lower())
    ).scalar_one_or_none()
    if found is None:
        raise Unknown(f"Nobody of the team has the address {email}.")
    return found


def roles_of(staff_id: int) -> dict[int, Role]:
    """Role by organization."""
    rows = db.session.execute(sa.select(StaffRole).where(StaffRole.staff_id == staff_id)).scalars()
    return {row.organization_id: Role(row.role) for row in rows}


# --- tokens ---------------------------------------------------------------------------------


def new_token(member: StaffMember, purpose: StaffTokenPurpose, *, by: str) -> int:
    """A token in the running unit of work; older ones of the person are void. Returns its id."""
    db.session.refresh(member, with_for_update={"key_share": True})
    void_tokens(member.id)
    nonce = tokens.new_nonce()
    row = StaffToken(
        staff_id=member.id,
        purpose=purpose.value,
        nonce=nonce,
        token_sha256=nonce,  # until the row has its id, which the token is bound to
        created_at=clock.now(),
        created_by=by,
    )
    db.session.add(row)
    db.session.flush()
    token = tokens.mint(purpose.value, current_tenant().slug, row.id, nonce)
    row.token_sha256 = tokens.digest(token) or b""
    db.session.flush()
    return row.id


def void_tokens(staff_id: int) -> None:
    """No link to a password that was mailed before leads anywhere any more."""
    db.session.execute(
        sa.update(StaffToken)
        .where(
            StaffToken.staff_id == staff_id,
            StaffToken.used_at.is_(None),
            StaffToken.voided_at.is_(None),
        )
        .values(voided_at=clock.now())
        .execution_options(synchronize_session=False)
    )


def token_is_open(token_id: int) -> bool:
    """Whether a token can still be spent: a mail never carries a dead one."""
    row = db.session.get(StaffToken, token_id, populate_existing=True)
    return row is not None and row.used_at is None and row.voided_at is None


def token_url(token_id: int) -> str:
    """The whole address, derived again; it goes into a mail and nowhere else."""
    row = db.session.get_one(StaffToken, token_id)
    tenant = current_tenant()
    token = tokens.again(row.purpose, tenant.slug, row.id, row.nonce, row.token_sha256)
    return tenant.public_url + _PATHS[StaffTokenPurpose(row.purpose)] + token


def token_delivered(token_id: int) -> None:
    """The mail server took the mail just now: the token's life begins."""
    row = db.session.get_one(StaffToken, token_id)
    row.delivered_at = clock.now()
    row.expires_at = row.delivered_at + TOKEN_LIFE[StaffTokenPurpose(row.purpose)]


def open_token(purpose: StaffTokenPurpose, token: str) -> StaffMember:
    """Whose password a link sets; spends nothing. Raises StaffTokenSpent, always the same."""
    found = db.session.execute(
        sa.select(StaffMember)
        .join(StaffToken, StaffToken.staff_id == StaffMember.id)
        .where(*_spendable(purpose, token), StaffMember.is_active)
    ).scalar_one_or_none()
    if found is None:
        raise StaffTokenSpent
    return found


def set_password(purpose: StaffTokenPurpose, token: str, password: str, visitor: Visitor) -> str:
    """Spend a token: the password is set and the person is signed in (a second factor is still
    asked for where there is one). Returns the session's secret. Raises BadInput, StaffTokenSpent."""
    member = open_token(purpose, token)
    kept = passwords.hashed(passwords.check(password, about=(member.name, member.email)))
    member_id = member.id
    with unit_of_work():
        spent = db.session.execute(
            sa.update(StaffToken)
            .where(*_spendable(purpose, token))
            .values(used_at=clock.now())
            .execution_options(synchronize_session=False)
        )
        if int(getattr(spent, "rowcount", 0)) != 1:
            raise StaffTokenSpent
        member = _held(member_id)
        if not member.is_active:
            raise StaffTokenSpent
        member.password_hash = kept
        member.password_changed_at = clock.now()
        member.set_up_at = member.set_up_at or clock.now()
        void_tokens(member.id)
        end_sessions(member.id, "the password was set anew")
        opened = _open_session(member, visitor)
        activity.record(_own_entry(Activity.PASSWORD_RESET, member, opened, visitor))
    return opened.secret


# --- signing in -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that was just opened."""

    id: int
    secret: str
    organization_id: int


def sign_in(email: str, password: str, visitor: Visitor) -> str | None:
    """The new session's secret, or None; the same time for unknown, wrong and disabled."""
    member = db.session.execute(
        sa.select(StaffMember).where(
            StaffMember.email == normal_email(email), StaffMember.is_active
        )
    ).scalar_one_or_none()
    kept = member.password_hash if member is not None else None
    db.session.rollback()  # nothing stays open while the hash is computed
    if not passwords.holds(password[: passwords.LONGEST + 1], kept) or member is None:
        activity.note(
            Entry(
                Activity.FAILED_LOGIN,
                ActorKind.STAFF,
                actor=member.name if member else "",
                visitor=visitor,
            )
        )
        return None
    with unit_of_work():
        current = _held(member.id)
        if current.password_hash != kept or not current.is_active:
            return None  # changed or disabled in this very moment
        if not roles_of(current.id):
            return None
        opened = _open_session(current, visitor)
        if current.totp_confirmed_at is None:
            activity.record(_own_entry(Activity.LOGIN, current, opened, visitor))
    return opened.secret


def digest(secret: str) -> bytes:
    """What is kept of a session's secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def seen(session_id: int) -> None:
    """The session was used just now."""
    with unit_of_work():
        db.session.execute(
            sa.update(StaffSession)
            .where(StaffSession.id == session_id, StaffSession.ended_at.is_(None))
            .values(last_seen_at=clock.now())
        )


def choose_organization(session_id: int, staff_id: int, slug: str) -> None:
    """Work in another organization from now on. Raises NotFound where there is no role."""
    with unit_of_work():
        organization_id = db.session.execute(
            sa.select(Organization.id)
            .join(StaffRole, StaffRole.organization_id == Organization.id)
            .where(Organization.slug == slug, StaffRole.staff_id == staff_id)
        ).scalar_one_or_none()
        if organization_id is None:
            raise NotFound
        db.session.execute(
            sa.update(StaffSession)
            .where(StaffSession.id == session_id)
            .values(organization_id=organization_id)
        )


def sign_out(session_id: int, by: str, organization_id: int) -> None:
    """End this session. Doing it twice is doing it once."""
    with unit_of_work():
        if _end(StaffSession.id == session_id, "signed out"):
            activity.record(entry(Activity.LOGOUT, organization_id, by))


def end_sessions(staff_id: int, because: str, *, but: int | None = None) -> int:
    """End every session of a person, in the running unit of work; returns how many."""
    which = StaffSession.staff_id == staff_id
    return _end(which if but is None else sa.and_(which, StaffSession.id != but), because)


# --- parts ----------------------------------------------------------------------------------


def entry(type_: Activity, organization_id: int | None, by: str, **details: object) -> Entry:
    """A line of the log about the team itself."""
    return Entry(type_, ActorKind.STAFF, actor=by, organization_id=organization_id, details=details)


def _open_session(member: StaffMember, visitor: Visitor) -> Opened:
    """In the running unit of work; begins in the organization that was worked in last."""
    roles = roles_of(member.id)
    if not roles:
        raise StaffRefusal("You have no role in any organization. Please ask an owner.")
    last = db.session.execute(
        sa.select(StaffSession.organization_id)
        .where(StaffSession.staff_id == member.id)
        .order_by(StaffSession.id.desc())
        .limit(1)
    ).scalar_one_or_none()
    secret = secrets.token_urlsafe(32)
    now = clock.now()
    session = StaffSession(
        staff_id=member.id,
        organization_id=last if last in roles else min(roles),
        secret_sha256=digest(secret),
        second_factor_due=member.totp_confirmed_at is not None,
        created_at=now,
        last_seen_at=now,
        ip=visitor.ip,
        user_agent=visitor.user_agent[:1000] if visitor.user_agent else None,
    )
    db.session.add(session)
    member.last_sign_in_at = now
    db.session.flush()
    return Opened(session.id, secret, session.organization_id)


def _own_entry(type_: Activity, member: StaffMember, opened: Opened, visitor: Visitor) -> Entry:
    return Entry(
        type_,
        ActorKind.STAFF,
        actor=member.name,
        organization_id=opened.organization_id,
        session_id=f"staff {opened.id}",
        visitor=visitor,
    )


def _end(which: sa.ColumnElement[bool], because: str) -> int:
    result = db.session.execute(
        sa.update(StaffSession)
        .where(which, StaffSession.ended_at.is_(None))
        .values(ended_at=clock.now(), ended_because=because)
        .execution_options(synchronize_session=False)
    )
    return int(getattr(result, "rowcount", 0))


def _held(staff_id: int) -> StaffMember:
    member = db.session.get(
        StaffMember, staff_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if member is None:
        raise Unknown("There is no such member of the team.")
    return member


def _spendable(purpose: StaffTokenPurpose, token: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        StaffToken.token_sha256 == (tokens.digest(token) or b""),
        StaffToken.purpose == purpose.value,
        StaffToken.used_at.is_(None),
        StaffToken.voided_at.is_(None),
        sa.or_(StaffToken.expires_at.is_(None), StaffToken.expires_at > clock.now()),
    )

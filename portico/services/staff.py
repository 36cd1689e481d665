"""The team's own accounts: passwords, the way in, sessions (spec C1).

Who is on the team, and as what, is decided in :mod:`portico.services.colleagues`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from contextlib import suppress
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from portico import clock, tokens
from portico.db import current_tenant, db, unit_of_work
from portico.records.activity import Activity, ActorKind
from portico.records.mail import MailKind
from portico.records.organization import Organization
from portico.records.staff import (
    Role,
    StaffMember,
    StaffNotice,
    StaffRole,
    StaffSession,
    StaffToken,
    StaffTokenPurpose,
)
from portico.refusals import BadInput, NotFound, Unknown
from portico.services import activity, outbox, passwords
from portico.services.accounts import normal_email
from portico.services.activity import Entry, Visitor
from portico.services.sessions import browser_of
from portico.text import one_line

CODE_WITHIN = dt.timedelta(minutes=15)  # between password and second factor
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


class WrongPassword(BadInput):
    """The present password that was asked for is another one."""

    def __init__(self) -> None:
        super().__init__({"current": "This is not your present password."})


# --- people ---------------------------------------------------------------------------------


def ask_for_reset(email: str, visitor: Visitor) -> None:
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
        activity.record(
            Entry(
                Activity.REQUEST_RESET,
                ActorKind.STAFF,
                organization_id=organization_id,
                visitor=visitor,
            )
        )


def find(email: str) -> StaffMember:
    """Raises Unknown."""
    found = db.session.execute(
        sa.select(StaffMember).where(StaffMember.email == normal_email(email))
    ).scalar_one_or_none()
    if found is None:
        raise Unknown(f"Nobody of the team has the address {email}.")
    return found


def held(staff_id: int) -> StaffMember:
    """A member of staff as they are now, nobody else changing them, in the running unit of work.

    Raises Unknown.
    """
    member = db.session.get(
        StaffMember, staff_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if member is None:
        raise Unknown("There is no such member of the team.")
    return member


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


def sign_in_url() -> str:
    """The console's sign-in page, for mails (spec T5)."""
    return f"{current_tenant().public_url}/staff/login"


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
        .where(*_spendable(purpose, token), *_may_enter())
    ).scalar_one_or_none()
    if found is None:
        raise StaffTokenSpent
    return found


def set_password(purpose: StaffTokenPurpose, token: str, password: str, visitor: Visitor) -> str:
    """Spend a token: the password is set and the person is signed in (a second factor is still
    asked for where there is one). Returns the session's secret. Raises BadInput (nothing is
    spent), StaffTokenSpent."""
    member = open_token(purpose, token)
    member_id, about = member.id, (member.name, member.email)
    db.session.rollback()  # nothing stays open while the hash is computed
    kept = passwords.hashed(passwords.check(password, about=about))
    with unit_of_work():
        member = held(member_id)  # first, as whoever makes a token does
        spent = db.session.execute(
            sa.update(StaffToken)
            .where(*_spendable(purpose, token))
            .values(used_at=clock.now())
            .execution_options(synchronize_session=False)
        )
        if int(getattr(spent, "rowcount", 0)) != 1:
            raise StaffTokenSpent
        if not member.is_active or not roles_of(member.id):
            raise StaffTokenSpent
        member.password_hash = kept
        member.password_changed_at = clock.now()
        member.set_up_at = member.set_up_at or clock.now()
        void_tokens(member.id)
        end_sessions(member.id, "the password was set anew")
        opened = _open_session(member, visitor)
        first = purpose is StaffTokenPurpose.INVITATION
        done = Activity.SET_UP_ACCOUNT if first else Activity.PASSWORD_RESET
        activity.record(_own_entry(done, member, opened, visitor))
        if not opened.second_factor_due:
            activity.record(_own_entry(Activity.LOGIN, member, opened, visitor))
        if not first:
            notify(member, StaffNotice.PASSWORD_CHANGED, opened.organization_id)
    return opened.secret


def set_just_now(purpose: StaffTokenPurpose, token: str, visitor: Visitor) -> StaffMember | None:
    """Who set a password by this link within the last minute, from the same browser: a second
    click sends the form again. Lets nobody in by itself."""
    return db.session.execute(
        sa.select(StaffMember)
        .join(StaffToken, StaffToken.staff_id == StaffMember.id)
        .join(StaffSession, StaffSession.staff_id == StaffMember.id)
        .where(
            *_is(purpose, token),
            StaffToken.used_at > clock.a_moment_ago(),
            StaffSession.created_at >= StaffToken.used_at,
            StaffSession.ended_at.is_(None),
            StaffSession.ip == visitor.ip,
            StaffSession.user_agent == browser_of(visitor),
        )
        .limit(1)
    ).scalar_one_or_none()


# --- signing in -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that was just opened."""

    id: int
    secret: str
    organization_id: int
    second_factor_due: bool


def sign_in(email: str, password: str, visitor: Visitor) -> Opened | None:
    """A new session, or None; the same time for unknown, wrong and disabled. Where a second
    factor is due it opens nothing else, and only :func:`portico.services.second_factor.finish_sign_in` does."""
    member = db.session.execute(
        sa.select(StaffMember).where(StaffMember.email == normal_email(email), *_may_enter())
    ).scalar_one_or_none()
    known = (member.id, member.name) if member is not None else (0, "")
    kept = member.password_hash if member is not None else None
    db.session.rollback()  # nothing stays open while the hash is computed
    if not passwords.holds(password, kept):
        _note_failure(*known, visitor)
        return None
    fresh = passwords.hashed(password) if passwords.is_of_another_cost(kept) else kept
    with unit_of_work():
        current = held(known[0])
        if current.password_hash != kept or not current.is_active or not roles_of(current.id):
            return None  # changed or shut out in this very moment
        current.password_hash = fresh
        opened = _open_session(current, visitor)
        if not opened.second_factor_due:
            activity.record(_own_entry(Activity.LOGIN, current, opened, visitor))
    return opened


def finish_sign_in(session: StaffSession, member: StaffMember, visitor: Visitor) -> str | None:
    """The second factor was right, in the running unit of work: the session goes on under a new
    secret, which is returned; None where it ended meanwhile."""
    secret = secrets.token_urlsafe(32)
    freed = db.session.execute(
        sa.update(StaffSession)
        .where(
            StaffSession.id == session.id,
            StaffSession.ended_at.is_(None),
            StaffSession.second_factor_due,
        )
        .values(second_factor_due=False, secret_sha256=digest(secret))
    )
    if int(getattr(freed, "rowcount", 0)) != 1:
        return None
    member.last_sign_in_at = clock.now()
    opened = Opened(session.id, secret, session.organization_id, second_factor_due=False)
    activity.record(_own_entry(Activity.LOGIN, member, opened, visitor))
    return secret


def digest(secret: str) -> bytes:
    """What is kept of a session's secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def seen(session_id: int) -> None:
    """The session was used just now. Where the database can write nothing
    at the moment, pages are read all the same, and the next request tries again."""
    with suppress(OperationalError), unit_of_work():
        db.session.execute(
            sa.update(StaffSession)
            .where(StaffSession.id == session_id, StaffSession.ended_at.is_(None))
            .values(last_seen_at=clock.now())
        )


def choose_organization(session_id: int, staff_id: int, slug: str) -> None:
    """Work in another organization from now on. Raises NotFound where there is no role."""
    with unit_of_work():
        rows = db.session.execute(
            sa.select(Organization.slug, Organization.id)
            .join(StaffRole, StaffRole.organization_id == Organization.id)
            .where(StaffRole.staff_id == staff_id)
        )
        organization_id = {row.slug: row.id for row in rows}.get(slug)
        if organization_id is None:
            raise NotFound(hint="")
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


def end_sessions(
    staff_id: int, because: str, *, but: int | None = None, organization_id: int | None = None
) -> int:
    """End the sessions of a person (in one organization), in the running unit of work; returns
    how many."""
    which = [StaffSession.staff_id == staff_id]
    if but is not None:
        which.append(StaffSession.id != but)
    if organization_id is not None:
        which.append(StaffSession.organization_id == organization_id)
    return _end(sa.and_(*which), because)


def end_own_session(session_id: int, staff_id: int, *, by: str, organization_id: int) -> None:
    """A person ends one of their own sessions elsewhere. Raises NotFound for anybody else's."""
    with unit_of_work():
        own = sa.and_(StaffSession.id == session_id, StaffSession.staff_id == staff_id)
        if not db.session.execute(sa.select(StaffSession.id).where(own)).first():
            raise NotFound(hint="")
        if _end(own, "ended from another session"):
            activity.record(entry(Activity.LOGOUT, organization_id, by, session=session_id))


# --- one's own sign-in ------------------------------------------------------------------------


def rename(staff_id: int, name: str, *, by: str, organization_id: int) -> None:
    """Another name, which the log says from now on. Raises BadInput."""
    name = one_line(name, "name", 200)
    with unit_of_work():
        member = held(staff_id)
        if member.name != name:
            activity.record(
                entry(Activity.UPDATE_PROFILE, organization_id, by, before=member.name, name=name)
            )
            member.name = name


def require_password(staff_id: int, current: str, *, by: str, organization_id: int) -> str:
    """What is kept of the present password, if *current* is it. Raises WrongPassword.

    Slow on purpose; never in a unit of work.
    """
    kept = db.session.get_one(StaffMember, staff_id, populate_existing=True).password_hash
    db.session.rollback()  # nothing stays open while the hash is computed
    if kept is None or not passwords.holds(current, kept):
        activity.note(entry(Activity.FAILED_LOGIN, organization_id, by, at="present password"))
        raise WrongPassword
    return kept


def change_password(
    staff_id: int, current: str, new: str, *, by: str, organization_id: int
) -> None:
    """A new password; every other session of the person ends. Raises BadInput."""
    kept = require_password(staff_id, current, by=by, organization_id=organization_id)
    member = db.session.get_one(StaffMember, staff_id)
    hashed = passwords.hashed(passwords.check(new, about=(member.name, member.email)))
    with unit_of_work():
        member = held(staff_id)
        if member.password_hash != kept:
            raise WrongPassword  # changed in this very moment
        member.password_hash = hashed
        member.password_changed_at = clock.now()
        void_tokens(staff_id)
        end_sessions(staff_id, "the password was changed", but=getattr(by, "session_id", None))
        activity.record(entry(Activity.CHANGE_PASSWORD, organization_id, by))
        notify(member, StaffNotice.PASSWORD_CHANGED, organization_id)


def changed_second_factor(
    member: StaffMember, notice: StaffNotice, organization_id: int, by: str
) -> None:
    """Log a change to somebody's second factor and tell them, in the running unit of work."""
    activity.record(
        entry(
            Activity.CHANGE_SECOND_FACTOR,
            organization_id,
            by,
            staff=member.name,
            change=notice.value,
        )
    )
    notify(member, notice, organization_id)


def notify(member: StaffMember, notice: StaffNotice, organization_id: int) -> None:
    """A mail to a person about their own sign-in or place, in the running unit of work."""
    outbox.post(
        MailKind.STAFF_NOTICE,
        organization_id=organization_id,
        reference={"staff": member.id, "notice": notice.value},
    )


# --- parts ----------------------------------------------------------------------------------


def entry(type_: Activity, organization_id: int | None, by: str, **details: object) -> Entry:
    """A line of the log about the team itself."""
    return Entry(type_, ActorKind.STAFF, actor=by, organization_id=organization_id, details=details)


def _open_session(member: StaffMember, visitor: Visitor) -> Opened:
    """For somebody with a role, in the running unit of work; begins in the organization that was
    worked in last."""
    roles = roles_of(member.id)
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
        user_agent=browser_of(visitor),
    )
    db.session.add(session)
    if not session.second_factor_due:
        member.last_sign_in_at = now
    db.session.flush()
    return Opened(session.id, secret, session.organization_id, session.second_factor_due)


def _note_failure(staff_id: int, name: str, visitor: Visitor) -> None:
    """The same for everybody; where nobody is meant (0), the first organization reads of it."""
    first = sa.select(sa.func.min(Organization.id)).scalar_subquery()
    own = (
        sa.select(sa.func.min(StaffRole.organization_id))
        .where(StaffRole.staff_id == staff_id)
        .scalar_subquery()
    )
    organization_id = db.session.execute(sa.select(sa.func.coalesce(own, first))).scalar()
    db.session.rollback()
    activity.note(failure(name, organization_id, visitor))


def failure(actor: str, organization_id: int | None, visitor: Visitor, **details: object) -> Entry:
    """A line of the log about a sign-in that failed."""
    return Entry(
        Activity.FAILED_LOGIN,
        ActorKind.STAFF,
        actor=actor,
        organization_id=organization_id,
        visitor=visitor,
        details=details,
    )


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


def _may_enter() -> tuple[sa.ColumnElement[bool], ...]:
    """Who is not disabled, and has a role somewhere."""
    return StaffMember.is_active.is_(True), StaffMember.id.in_(sa.select(StaffRole.staff_id))


def _is(purpose: StaffTokenPurpose, token: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        StaffToken.token_sha256 == (tokens.digest(token) or b""),
        StaffToken.purpose == purpose.value,
    )


def _spendable(purpose: StaffTokenPurpose, token: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        *_is(purpose, token),
        StaffToken.used_at.is_(None),
        StaffToken.voided_at.is_(None),
        sa.or_(StaffToken.expires_at.is_(None), StaffToken.expires_at > clock.now()),
    )

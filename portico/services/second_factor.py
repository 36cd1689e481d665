"""The second factor: codes that change every half minute (TOTP, RFC 6238), and recovery codes.

The secret of an app is derived from the installation's keys, as links are, so that a database
alone makes no codes. A code works once: its step is kept by a conditional update. Recovery codes
are kept as seals; each works once, and new ones void those before (spec C1).
"""

from __future__ import annotations

import base64
import hmac
import secrets
from dataclasses import dataclass

import pyotp
import sqlalchemy as sa

from portico import clock, tokens
from portico.db import current_tenant, db, unit_of_work
from portico.records.staff import RecoveryCode, StaffMember, StaffNotice, StaffSession
from portico.refusals import BadInput, Conflict
from portico.services import activity, staff
from portico.services.activity import Visitor

RECOVERY_CODES = 10
_PURPOSE, _SEAL = "staff_totp", "staff_recovery"
_STEP = 30  # seconds
_DRIFT = 1  # steps that a phone's clock may be off, either way
_SET_UP_WITHIN = 20  # steps from the password to the first code: ten minutes
_SECRET_BYTES = 20
_CODE_BYTES = 10  # of a recovery code: 80 bits, written as 16 letters and digits
_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")


@dataclass(frozen=True, slots=True)
class Secret:
    """What an authenticator app needs to know: as text to type, and as an address to scan."""

    text: str
    uri: str


class AlreadyOn(Conflict):
    """The second factor is on, perhaps by the same form a moment ago."""

    sentence = (
        "The second factor is on already. If you did not keep the recovery codes, make new ones."
    )


# --- switching on and off -------------------------------------------------------------------


def begin(staff_id: int, password: str, *, by: str, organization_id: int) -> None:
    """A fresh secret, which counts for nothing until a code confirms it. Raises BadInput
    (password), Conflict where a second factor is on already."""
    staff.require_password(staff_id, password, by=by, organization_id=organization_id)
    with unit_of_work():
        member = staff.held(staff_id)
        if member.totp_confirmed_at is not None:
            raise AlreadyOn
        member.totp_nonce = tokens.new_nonce()
        token = tokens.mint(_PURPOSE, current_tenant().slug, member.id, member.totp_nonce)
        member.totp_sha256 = tokens.digest(token)
        member.totp_last_step = _step_now() - _DRIFT - 1  # older codes are none; also says when


def pending(staff_id: int) -> Secret | None:
    """The secret that waits for its first code; None where none does. Once it is confirmed, or ten
    minutes old, it is not shown again."""
    member = db.session.get_one(StaffMember, staff_id)
    if not _is_waiting(member):
        return None
    text = _secret_of(member)
    if text is None:
        return None
    issuer = f"{current_tenant().name} console"
    return Secret(text, pyotp.TOTP(text).provisioning_uri(name=member.email, issuer_name=issuer))


def confirm(staff_id: int, code: str, *, by: str, organization_id: int) -> list[str]:
    """The app is set up: from now on a sign-in asks for a code, and other sessions, which were
    opened without one, end. Returns the recovery codes, which nobody can show again. Raises
    BadInput, AlreadyOn, Conflict."""
    with unit_of_work():
        member = staff.held(staff_id)
        if member.totp_confirmed_at is not None:
            raise AlreadyOn
        if not _is_waiting(member):
            raise Conflict("There is nothing to confirm, or not any more. Please begin again.")
        if not _code_works(member, code):
            raise BadInput({"code": "This is not the code that the app shows now."})
        member.totp_confirmed_at = clock.now()
        staff.end_sessions(
            staff_id, "second factor switched on", but=getattr(by, "session_id", None)
        )
        codes = _new_codes(staff_id)
        staff.changed_second_factor(member, StaffNotice.SECOND_FACTOR_ON, organization_id, by)
    return codes


def new_codes(staff_id: int, password: str, *, by: str, organization_id: int) -> list[str]:
    """Ten new recovery codes; those before are void. Raises BadInput, Conflict."""
    staff.require_password(staff_id, password, by=by, organization_id=organization_id)
    with unit_of_work():
        member = staff.held(staff_id)
        if member.totp_confirmed_at is None:
            raise Conflict("The second factor is off.")
        codes = _new_codes(staff_id)
        staff.changed_second_factor(member, StaffNotice.NEW_RECOVERY_CODES, organization_id, by)
    return codes


def switch_off(staff_id: int, password: str, *, by: str, organization_id: int) -> None:
    """Password alone from now on; also gives up a set-up that was begun. Raises BadInput."""
    staff.require_password(staff_id, password, by=by, organization_id=organization_id)
    with unit_of_work():
        member = staff.held(staff_id)
        if clear(member):
            staff.changed_second_factor(member, StaffNotice.SECOND_FACTOR_OFF, organization_id, by)


def give_up(staff_id: int) -> None:
    """Forget a secret that was never confirmed."""
    with unit_of_work():
        member = staff.held(staff_id)
        if member.totp_confirmed_at is None:
            clear(member)


def clear(member: StaffMember) -> bool:
    """Forget secret and recovery codes, in the running unit of work; whether it was on."""
    was_on = member.totp_confirmed_at is not None
    member.totp_nonce = member.totp_sha256 = None
    member.totp_confirmed_at = member.totp_last_step = None
    db.session.execute(sa.delete(RecoveryCode).where(RecoveryCode.staff_id == member.id))
    return was_on


def is_on(staff_id: int) -> bool:
    """Whether a sign-in asks for a code."""
    return db.session.get_one(StaffMember, staff_id).totp_confirmed_at is not None


def codes_left(staff_id: int) -> int:
    """How many recovery codes still work."""
    return (
        db.session.scalar(sa.select(sa.func.count(RecoveryCode.id)).where(_unused(staff_id))) or 0
    )


# --- at the door ----------------------------------------------------------------------------


def finish_sign_in(session_id: int, typed: str, visitor: Visitor) -> str | None:
    """Spend a code of the app or a recovery code. Returns the session's new secret; None where
    the code is wrong or was used before."""
    with unit_of_work():
        session = db.session.get_one(StaffSession, session_id, populate_existing=True)
        member = staff.held(session.staff_id)
        if member.totp_confirmed_at is None:
            return None  # switched off meanwhile; the password begins anew
        by_app = _code_works(member, typed)
        if not by_app and not _recovery_code_works(member.id, typed):
            organization_id = session.organization_id
            activity.record(staff.failure(member.name, organization_id, visitor, code="wrong"))
            return None
        if not by_app:
            staff.notify(member, StaffNotice.RECOVERY_CODE_USED, session.organization_id)
        return staff.finish_sign_in(session, member, visitor)


def _code_works(member: StaffMember, typed: str) -> bool:
    code, secret = "".join(typed.split()), _secret_of(member)
    if secret is None or not (len(code) == 6 and code.isascii() and code.isdigit()):
        return False
    totp, now = pyotp.TOTP(secret), _step_now()
    steps = range(now - _DRIFT, now + _DRIFT + 1)
    right = [step for step in steps if hmac.compare_digest(totp.generate_otp(step), code)]
    return any(_spend_step(member.id, step) for step in right)


def _spend_step(staff_id: int, step: int) -> bool:
    spent = db.session.execute(
        sa.update(StaffMember)
        .where(
            StaffMember.id == staff_id,
            sa.or_(StaffMember.totp_last_step.is_(None), StaffMember.totp_last_step < step),
        )
        .values(totp_last_step=step)
    )
    return int(getattr(spent, "rowcount", 0)) == 1


def _recovery_code_works(staff_id: int, typed: str) -> bool:
    code = _plain(typed)
    if code is None:
        return False
    rows = db.session.execute(sa.select(RecoveryCode).where(_unused(staff_id))).scalars().all()
    found = [
        row.id for row in rows if tokens.seal_holds(_SEAL, _sealed(staff_id, code), row.code_seal)
    ]
    if not found:
        return False
    spent = db.session.execute(
        sa.update(RecoveryCode)
        .where(RecoveryCode.id == found[0], RecoveryCode.used_at.is_(None))
        .values(used_at=clock.now())
    )
    return int(getattr(spent, "rowcount", 0)) == 1


# --- parts ----------------------------------------------------------------------------------


def _step_now() -> int:
    return int(clock.now().timestamp()) // _STEP


def _is_waiting(member: StaffMember) -> bool:
    """Whether a set-up was begun a short while ago, and not confirmed yet."""
    begun = member.totp_last_step
    if member.totp_confirmed_at is not None or begun is None:
        return False
    return _step_now() - begun - _DRIFT - 1 < _SET_UP_WITHIN


def _secret_of(member: StaffMember) -> str | None:
    """In base32, as apps take it; None where there is none, or the key it came from is gone."""
    if member.totp_nonce is None or member.totp_sha256 is None:
        return None
    try:
        token = tokens.again(
            _PURPOSE, current_tenant().slug, member.id, member.totp_nonce, member.totp_sha256
        )
    except tokens.KeyIsGone:
        return None
    return base64.b32encode(base64.urlsafe_b64decode(token + "=")[:_SECRET_BYTES]).decode()


def _new_codes(staff_id: int) -> list[str]:
    db.session.execute(sa.delete(RecoveryCode).where(RecoveryCode.staff_id == staff_id))
    codes = [
        base64.b32encode(secrets.token_bytes(_CODE_BYTES)).decode() for _ in range(RECOVERY_CODES)
    ]
    for code in codes:
        seal = tokens.seal(_SEAL, _sealed(staff_id, code))
        db.session.add(RecoveryCode(staff_id=staff_id, code_seal=seal))
    db.session.flush()
    return ["-".join(code[place : place + 4] for place in range(0, len(code), 4)) for code in codes]


def _plain(typed: str) -> str | None:
    """A recovery code as it was made, whatever its case and however it was parted."""
    code = "".join(c for c in typed[:100] if c not in "- \t").upper()
    return code if len(code) == _CODE_BYTES * 8 // 5 and _LETTERS.issuperset(code) else None


def _sealed(staff_id: int, code: str) -> bytes:
    return f"{current_tenant().slug}|{staff_id}|{code}".encode()


def _unused(staff_id: int) -> sa.ColumnElement[bool]:
    return sa.and_(RecoveryCode.staff_id == staff_id, RecoveryCode.used_at.is_(None))

"""The team: who works in the console, with which role in which organization (spec C1)."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portico.db import BigId, Model, UtcDateTime


class Permission(StrEnum):
    """What somebody may do in an organization. Everybody with a role may read."""

    VIEW = "view"
    QUOTES_SEND = "quotes.send"
    INVOICES_SEND = "invoices.send"  # every other kind of document too
    DOCUMENTS_EDIT = "documents.edit"
    DECISIONS_RECORD = "decisions.record"
    PAYMENTS_RECORD = "payments.record"
    CUSTOMERS_EDIT = "customers.edit"
    MANAGE_PORTAL_ACCESS = "manage_portal_access"  # links, invitations, accounts
    EXPORT = "export"
    SETTINGS = "settings"
    TEAM = "team"


class Role(StrEnum):
    OWNER = "owner"
    MANAGER = "manager"
    ACCOUNTANT = "accountant"
    SALES = "sales"
    VIEWER = "viewer"

    @property
    def permissions(self) -> frozenset[Permission]:
        return _PERMISSIONS[self]


_SENDING = {Permission.VIEW, Permission.QUOTES_SEND, Permission.INVOICES_SEND}
_PERMISSIONS = {
    Role.OWNER: frozenset(Permission),
    Role.MANAGER: frozenset(Permission) - {Permission.TEAM},
    Role.ACCOUNTANT: frozenset(
        {
            *_SENDING, Permission.DOCUMENTS_EDIT, Permission.DECISIONS_RECORD,
            Permission.PAYMENTS_RECORD, Permission.CUSTOMERS_EDIT,
            Permission.MANAGE_PORTAL_ACCESS, Permission.EXPORT,
        }
    ),
    Role.SALES: frozenset(
        {
            *_SENDING, Permission.DOCUMENTS_EDIT, Permission.DECISIONS_RECORD,
            Permission.CUSTOMERS_EDIT,
        }
    ),
    Role.VIEWER: frozenset({Permission.VIEW}),
}  # fmt: skip


class StaffMember(Model):
    """One person of the team, known by one address in the whole tenant."""

    __tablename__ = "staff_members"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    email: Mapped[str] = mapped_column(sa.String(320), unique=True)  # in small letters
    password_hash: Mapped[str | None] = mapped_column(sa.String(100))  # None until set up
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(sa.String(200))
    set_up_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    password_changed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    last_sign_in_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    disabled_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    disabled_by: Mapped[str | None] = mapped_column(sa.String(200))
    # The second factor is derived from the installation's keys, as links are: a database alone
    # makes no codes. The digest tells which key it was.
    totp_nonce: Mapped[bytes | None] = mapped_column(sa.LargeBinary(32))
    totp_sha256: Mapped[bytes | None] = mapped_column(sa.LargeBinary(32))
    totp_confirmed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    totp_last_step: Mapped[int | None] = mapped_column(sa.BigInteger)  # a code works once


class StaffRole(Model):
    """What a person is in one organization."""

    __tablename__ = "staff_roles"

    staff_id: Mapped[int] = mapped_column(sa.ForeignKey("staff_members.id"), primary_key=True)
    organization_id: Mapped[int] = mapped_column(
        sa.ForeignKey("organizations.id"), primary_key=True
    )
    role: Mapped[str] = mapped_column(sa.String(20))


class StaffNotice(StrEnum):
    """What a member of staff is told by mail, because somebody else might have done it."""

    JOINED = "joined"
    PASSWORD_CHANGED = "password_changed"  # nosec B105 - a topic
    SECOND_FACTOR_ON = "second_factor_on"
    SECOND_FACTOR_OFF = "second_factor_off"
    NEW_RECOVERY_CODES = "new_recovery_codes"
    RECOVERY_CODE_USED = "recovery_code_used"


class StaffTokenPurpose(StrEnum):
    INVITATION = "staff_invitation"
    RESET = "staff_reset"


class StaffToken(Model):
    """A way for a member of staff to set a password, once. Derived, as links are."""

    __tablename__ = "staff_tokens"
    __table_args__ = (sa.Index("ix_staff_tokens_staff_id", "staff_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    staff_id: Mapped[int] = mapped_column(sa.ForeignKey("staff_members.id"))
    purpose: Mapped[str] = mapped_column(sa.String(20))
    nonce: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    token_sha256: Mapped[bytes] = mapped_column(sa.LargeBinary(32), unique=True)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(sa.String(200))
    delivered_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    expires_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    used_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    voided_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class RecoveryCode(Model):
    """One way in without the second factor; each works once."""

    __tablename__ = "staff_recovery_codes"
    __table_args__ = (sa.Index("ix_staff_recovery_codes_staff_id", "staff_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    staff_id: Mapped[int] = mapped_column(sa.ForeignKey("staff_members.id"))
    code_seal: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    used_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class StaffSession(Model):
    """One sign-in of a member of staff, and the organization they are working in."""

    __tablename__ = "staff_sessions"
    __table_args__ = (sa.Index("ix_staff_sessions_staff_id", "staff_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    staff_id: Mapped[int] = mapped_column(sa.ForeignKey("staff_members.id"))
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organizations.id"))
    secret_sha256: Mapped[bytes] = mapped_column(sa.LargeBinary(32), unique=True)
    second_factor_due: Mapped[bool] = mapped_column(default=False)  # the password was right
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    ip: Mapped[str | None] = mapped_column(sa.String(64))
    user_agent: Mapped[str | None] = mapped_column(sa.String(1000))
    ended_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    ended_because: Mapped[str | None] = mapped_column(sa.String(40))

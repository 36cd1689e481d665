"""Portal accounts, the tokens that open them, and their sessions (spec A2-A7)."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from portico.db import BigId, Model, UtcDateTime


class PortalAccount(Model):
    """The account of one contact in one organization. Disabling keeps everything (A7)."""

    __tablename__ = "customer_portal_accounts"
    __table_args__ = (
        sa.UniqueConstraint("organization_id", "email"),
        sa.Index("ix_customer_portal_accounts_customer_id", "customer_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organizations.id"))
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("customers.id"))
    contact_id: Mapped[int] = mapped_column(sa.ForeignKey("contacts.id"), unique=True)
    email: Mapped[str] = mapped_column(sa.String(320))  # the contact's, in small letters
    password_hash: Mapped[str | None] = mapped_column(sa.String(100))  # None until set up
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(sa.String(200))
    set_up_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    password_changed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    last_sign_in_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    disabled_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    disabled_by: Mapped[str | None] = mapped_column(sa.String(200))
    # The newest invitation by the team; its state is how that went (A4, C3).
    invitation_mail_id: Mapped[int | None] = mapped_column(sa.ForeignKey("mails.id"))
    # What the person chose for themselves (A11); None: as the organization has it.
    salutation: Mapped[str] = mapped_column(sa.String(60), default="")
    locale: Mapped[str | None] = mapped_column(sa.String(20))
    timezone: Mapped[str | None] = mapped_column(sa.String(60))
    mail_documents: Mapped[bool] = mapped_column(default=True)
    mail_decisions: Mapped[bool] = mapped_column(default=True)
    mail_messages: Mapped[bool] = mapped_column(default=True)
    mail_reminders: Mapped[bool] = mapped_column(default=True)


class TokenPurpose(StrEnum):
    SETUP = "setup"
    RESET = "reset"


class _AccountToken(Model):
    """A way to set a password: once, for 60 minutes from delivery. Derived, as links are."""

    __abstract__ = True

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    nonce: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    token_sha256: Mapped[bytes] = mapped_column(sa.LargeBinary(32), unique=True)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(sa.String(200))
    delivered_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    expires_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    used_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    voided_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)  # a newer one was made

    @declared_attr
    def account_id(cls) -> Mapped[int]:  # noqa: N805 - a class attribute, as SQLAlchemy wants it
        return mapped_column(sa.ForeignKey("customer_portal_accounts.id"), index=True)


class SetupToken(_AccountToken):
    __tablename__ = "customer_portal_setup_tokens"


class ResetToken(_AccountToken):
    __tablename__ = "customer_portal_password_reset_tokens"


class PortalSession(Model):
    """One sign-in. The cookie names it by a secret; here is only that secret's SHA-256 (A6)."""

    __tablename__ = "customer_portal_sessions"
    __table_args__ = (sa.Index("ix_customer_portal_sessions_account_id", "account_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("customer_portal_accounts.id"))
    secret_sha256: Mapped[bytes] = mapped_column(sa.LargeBinary(32), unique=True)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    ip: Mapped[str | None] = mapped_column(sa.String(64))
    user_agent: Mapped[str | None] = mapped_column(sa.String(1000))
    ended_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    ended_because: Mapped[str | None] = mapped_column(sa.String(40))

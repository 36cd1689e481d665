"""What happened in the portal: append-only and chained by hash (spec C6, L17).

The chain covers digests of the address and the user agent, made with a salt of the row. Erasing
the three leaves the chain whole, and the digests alone cannot be guessed back.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portico.db import BigId, Model, UtcDateTime


class Activity(StrEnum):
    """The types of portal action, as the log names them."""

    LOGIN = "login"
    LOGOUT = "logout"
    FAILED_LOGIN = "failed_login"
    REQUEST_ACCOUNT = "request_account"
    REQUEST_RESET = "request_reset"
    PASSWORD_RESET = "password_reset"  # nosec B105 - a type of action
    CHANGE_PASSWORD = "change_password"  # nosec B105 - a type of action
    CHANGE_SECOND_FACTOR = "change_second_factor"
    SET_UP_ACCOUNT = "set_up_account"
    INVITE = "invite"
    INVITE_STAFF = "invite_staff"
    CHANGE_TEAM = "change_team"
    DISABLE_ACCOUNT = "disable_account"
    ENABLE_ACCOUNT = "enable_account"
    SWITCH_ACCESS = "switch_access"
    UPDATE_PROFILE = "update_profile"
    UPDATE_ORGANIZATION = "update_organization"
    VIEW_QUOTE = "view_quote"
    VIEW_INVOICE = "view_invoice"
    VIEW_DOCUMENT = "view_document"
    VIEW_PROJECT = "view_project"
    DOWNLOAD_PDF = "download_pdf"
    DOWNLOAD_FILE = "download_file"
    SHARE_FILE = "share_file"
    REMOVE_FILE = "remove_file"
    SHARE_PROJECT = "share_project"
    VIEW_SHARE = "view_share"
    CHANGE_PROJECT = "change_project"
    ANSWER_REQUEST = "answer_request"
    JUDGE_ANSWER = "judge_answer"
    ACCEPT_DOCUMENT = "accept_document"
    DECLINE_DOCUMENT = "decline_document"
    DOWNLOAD_RECEIPT = "download_receipt"
    UPLOAD_FILE = "upload_file"
    APPROVE_QUOTE = "approve_quote"
    DECLINE_QUOTE = "decline_quote"
    REVERSE_DECISION = "reverse_decision"
    SEND_MESSAGE = "send_message"
    ASK_MORE_TIME = "ask_more_time"
    REQUEST_LINK = "request_link"
    END_LINK = "end_link"
    ISSUE_LINK = "issue_link"
    REVOKE_LINK = "revoke_link"
    SEND_DOCUMENT = "send_document"
    IMPORT_DOCUMENT = "import_document"
    WRITE_DOCUMENT = "write_document"  # a new one, in the console
    REVISE_DOCUMENT = "revise_document"
    POST_DOCUMENT = "post_document"
    EXTEND_QUOTE = "extend_quote"
    VOID_DOCUMENT = "void_document"
    RECORD_PAYMENT = "record_payment"
    RECORD_REFUND = "record_refund"
    PAY_INVOICE = "pay_invoice"  # a payment settles it, or a part of it
    ALLOCATE_PAYMENT = "allocate_payment"  # credit used, money set off or taken back
    VOID_PAYMENT = "void_payment"
    ISSUE_STATEMENT = "issue_statement"
    MAIL_SENT = "mail_sent"
    MAIL_FAILED = "mail_failed"
    RESEND_MAIL = "resend_mail"
    EXPORT_ACTIVITY = "export_activity"
    VERIFY_ACTIVITY = "verify_activity"
    ERASE_ACTIVITY = "erase_activity"
    SEAL_ACTIVITY = "seal_activity"  # anew, where the seal no longer held

    @property
    def is_security_event(self) -> bool:
        return self in {
            Activity.LOGIN, Activity.LOGOUT, Activity.FAILED_LOGIN, Activity.REQUEST_ACCOUNT,
            Activity.REQUEST_RESET, Activity.PASSWORD_RESET, Activity.CHANGE_PASSWORD,
            Activity.CHANGE_SECOND_FACTOR,
            Activity.SET_UP_ACCOUNT, Activity.INVITE, Activity.INVITE_STAFF, Activity.CHANGE_TEAM, Activity.DISABLE_ACCOUNT,
            Activity.ENABLE_ACCOUNT, Activity.SWITCH_ACCESS, Activity.UPDATE_ORGANIZATION,
            Activity.REQUEST_LINK, Activity.END_LINK, Activity.ISSUE_LINK,
            Activity.REVOKE_LINK, Activity.EXPORT_ACTIVITY, Activity.VERIFY_ACTIVITY,
            Activity.ERASE_ACTIVITY, Activity.SEAL_ACTIVITY,
        }  # fmt: skip

    @property
    def is_financial_action(self) -> bool:
        return self in {
            Activity.VIEW_INVOICE, Activity.APPROVE_QUOTE, Activity.DECLINE_QUOTE,
            Activity.REVERSE_DECISION, Activity.VOID_DOCUMENT, Activity.RECORD_PAYMENT,
            Activity.RECORD_REFUND, Activity.PAY_INVOICE, Activity.ALLOCATE_PAYMENT,
            Activity.VOID_PAYMENT,
        }  # fmt: skip


class ActorKind(StrEnum):
    CUSTOMER = "customer"
    STAFF = "staff"
    SYSTEM = "system"


class Label(StrEnum):
    """Who probably looked (spec L17)."""

    PERSON = "person"
    SCANNER = "scanner"
    PREVIEW = "preview"


# What an index over few rows holds, in its own words: only so is it known to fit.
NOT_A_PERSON = "label <> 'person'"
_IN_ORDER = ("occurred_at", "id")
_FILTERS = ("actor_kind", "label", "type", "customer_id")
_LOOKED_FOR = (*_FILTERS, "actor", "ip", "session_id")


def _but(name: str) -> list[str]:
    return [one for one in _LOOKED_FOR if one != name]


class AccessLog(Model):
    """One portal action. Everything but ip, user_agent, what was read from it, and salt is final."""

    __tablename__ = "portal_access_logs"
    __table_args__ = (
        sa.Index("ix_portal_access_logs_document_id", "document_id", "occurred_at", "id"),
        sa.Index("ix_portal_access_logs_customer_id", "customer_id", "id"),
        sa.Index(
            "ix_portal_access_logs_link_id",
            "link_id",
            "id",
            sqlite_where=sa.text("link_id IS NOT NULL"),
            postgresql_where=sa.text("link_id IS NOT NULL"),
        ),
        # The team reads the log in the order of time: what a process died with comes in late. The
        # columns behind the order are those that a reader looks for in it, and needs no row for.
        sa.Index("ix_portal_access_logs_time", "organization_id", *_IN_ORDER, *_LOOKED_FOR),
        sa.Index("ix_portal_access_logs_types", "organization_id", "type", *_IN_ORDER,
                 *_but("type")),
        sa.Index("ix_portal_access_logs_actor_kind", "organization_id", "actor_kind", *_IN_ORDER,
                 *_but("actor_kind")),
        sa.Index("ix_portal_access_logs_customer_time", "customer_id", *_IN_ORDER),
        sa.Index("ix_portal_access_logs_label", "organization_id", "label", *_IN_ORDER,
                 *_but("label"),
                 sqlite_where=sa.text(NOT_A_PERSON), postgresql_where=sa.text(NOT_A_PERSON)),
        # What a search stands for: a name, an address, a session, each in the order of time.
        sa.Index("ix_portal_access_logs_actor", "organization_id", "actor", *_IN_ORDER, *_FILTERS),
        sa.Index("ix_portal_access_logs_ip", "organization_id", "ip", *_IN_ORDER, *_FILTERS,
                 sqlite_where=sa.text("ip IS NOT NULL"), postgresql_where=sa.text("ip IS NOT NULL")),
        sa.Index("ix_portal_access_logs_session_id",
                 "organization_id", "session_id", *_IN_ORDER, *_FILTERS,
                 sqlite_where=sa.text("session_id IS NOT NULL"),
                 postgresql_where=sa.text("session_id IS NOT NULL")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)  # the place in the chain, from 1
    event_id: Mapped[str] = mapped_column(sa.String(32), unique=True)
    occurred_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    type: Mapped[str] = mapped_column(sa.String(40))
    actor_kind: Mapped[str] = mapped_column(sa.String(20))
    actor: Mapped[str] = mapped_column(sa.String(200), default="")
    organization_id: Mapped[int | None] = mapped_column(BigId)
    customer_id: Mapped[int | None] = mapped_column(BigId)
    contact_id: Mapped[int | None] = mapped_column(BigId)
    document_id: Mapped[int | None] = mapped_column(BigId)
    link_id: Mapped[int | None] = mapped_column(BigId)
    session_id: Mapped[str | None] = mapped_column(sa.String(64))
    details: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    label: Mapped[str] = mapped_column(sa.String(20))
    label_reason: Mapped[str] = mapped_column(sa.String(200))
    ip: Mapped[str | None] = mapped_column(sa.String(64))
    user_agent: Mapped[str | None] = mapped_column(sa.String(1000))
    device_type: Mapped[str | None] = mapped_column(sa.String(20))
    browser: Mapped[str | None] = mapped_column(sa.String(100))
    platform: Mapped[str | None] = mapped_column(sa.String(100))
    salt: Mapped[bytes | None] = mapped_column(sa.LargeBinary(16))
    personal_sha256: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    chain_sha256: Mapped[bytes] = mapped_column(sa.LargeBinary(32))


class NameKind(StrEnum):
    ACTOR = "actor"
    ADDRESS = "address"  # the column ip


class ActivityName(Model):
    """A name or an address that rows of an organization's log bear, once: parts of words are
    looked for here and not in every row. What is erased from the log is erased here (C6)."""

    __tablename__ = "activity_names"
    __table_args__ = (sa.UniqueConstraint("organization_id", "kind", "text"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    organization_id: Mapped[int] = mapped_column(BigId)
    kind: Mapped[str] = mapped_column(sa.String(20))
    text: Mapped[str] = mapped_column(sa.String(200))


class ActivityChain(Model):
    """The end of the chain, sealed with a key, so that a cut tail shows."""

    __tablename__ = "activity_chain"

    id: Mapped[int] = mapped_column(primary_key=True)  # always 1
    length: Mapped[int] = mapped_column(sa.BigInteger)
    chain_sha256: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    seal: Mapped[bytes] = mapped_column(sa.LargeBinary(32))

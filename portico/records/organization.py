"""A trading name of the tenant: what customers see at the top of every page and mail."""

from __future__ import annotations

import datetime as dt
import re
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portico.db import BigId, Model, UtcDateTime

COLOUR = re.compile(r"#[0-9a-f]{6}\Z")


class Section(StrEnum):
    """Parts of the portal that an organization switches on."""

    ORDERS = "orders"
    PROJECTS = "projects"
    PROPOSALS = "proposals"
    REQUESTS = "requests"
    ACCEPTANCES = "acceptances"
    TIME = "time"
    DOCUMENTS = "documents"


class Organization(Model):
    """One organization (spec, "Words"), with its face, its ways to be paid and its defaults."""

    __tablename__ = "organizations"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    slug: Mapped[str] = mapped_column(sa.String(63), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    address: Mapped[str] = mapped_column(sa.Text, default="")
    email: Mapped[str] = mapped_column(sa.String(320))  # where staff read what customers answer
    phone: Mapped[str] = mapped_column(sa.String(60), default="")
    website: Mapped[str] = mapped_column(sa.String(300), default="")
    tax_id: Mapped[str] = mapped_column(sa.String(60), default="")
    locale: Mapped[str] = mapped_column(sa.String(20), default="en_GB")
    timezone: Mapped[str] = mapped_column(sa.String(60), default="UTC")
    colour: Mapped[str] = mapped_column(sa.String(7), default="#1f5c4d")
    pdf_design: Mapped[str] = mapped_column(sa.String(30), default="classic")
    next_steps: Mapped[str] = mapped_column(sa.Text, default="")  # after a quote was accepted
    payment_instructions: Mapped[str] = mapped_column(sa.Text, default="")
    payment_instructions_changed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    payment_url: Mapped[str] = mapped_column(sa.String(1000), default="")  # template, spec L13
    # The account portal: which sections show (A1), whether a mailed link leads to an account (L10).
    sections: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    self_signup: Mapped[bool] = mapped_column(default=True)
    sender_name: Mapped[str] = mapped_column(sa.String(200), default="")  # on mails; empty: name
    logo: Mapped[bytes | None] = mapped_column(sa.LargeBinary, deferred=True)  # PNG, re-encoded
    logo_sha256: Mapped[str | None] = mapped_column(sa.String(64))
    pdf_templates_enabled: Mapped[bool] = mapped_column(default=True)  # off: the plain design
    # Days before a deadline that customers are reminded (W9); 0: never.
    remind_quote_days: Mapped[int] = mapped_column(default=3)
    remind_invoice_days: Mapped[int] = mapped_column(default=3)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class LinkLifetime(Model):
    """How long links to one kind of document live (spec L4). No row: 24 hours."""

    __tablename__ = "link_lifetimes"

    organization_id: Mapped[int] = mapped_column(
        sa.ForeignKey("organizations.id"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(sa.String(30), primary_key=True)
    hours: Mapped[int] = mapped_column(default=24)
    until_validity: Mapped[bool] = mapped_column(default=False)

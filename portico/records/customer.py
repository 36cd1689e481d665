"""Whom the team sells to, and the people there."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portico.db import BigId, Model, UtcDateTime


class Customer(Model):
    """A customer of one organization."""

    __tablename__ = "customers"
    __table_args__ = (
        sa.UniqueConstraint("organization_id", "external_id"),
        sa.Index("ix_customers_organization_id_name", "organization_id", "name"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organizations.id"))
    external_id: Mapped[str | None] = mapped_column(sa.String(500))
    name: Mapped[str] = mapped_column(sa.String(500))
    tax_id: Mapped[str | None] = mapped_column(sa.String(500))
    endpoint: Mapped[str | None] = mapped_column(sa.String(1010))  # "scheme:value"
    is_active: Mapped[bool] = mapped_column(default=True)
    portal_enabled: Mapped[bool] = mapped_column(default=False)
    # Staff switched access off: nobody gets in by themselves any more (A3, L10).
    portal_withdrawn_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class Contact(Model):
    """A person at a customer. Mail goes to contacts only, never to an address typed by a visitor."""

    __tablename__ = "contacts"
    __table_args__ = (
        sa.Index("ix_contacts_customer_id", "customer_id"),
        sa.Index("ix_contacts_organization_id_email", "organization_id", "email"),
        sa.Index("ix_contacts_organization_id_id", "organization_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organizations.id"))
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("customers.id"))
    name: Mapped[str] = mapped_column(sa.String(200))
    email: Mapped[str | None] = mapped_column(sa.String(320))
    role: Mapped[str] = mapped_column(sa.String(100), default="")
    is_active: Mapped[bool] = mapped_column(default=True)
    portal_access: Mapped[bool] = mapped_column(default=False)
    portal_withdrawn_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)

    @property
    def can_receive_mail(self) -> bool:
        return self.is_active and bool(self.email)

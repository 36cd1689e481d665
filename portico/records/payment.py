"""Money that came in or went back, and what it settles (spec A9, C4).

Amounts are positive minor units. A payment or a credit note is a source, an invoice or a refund
a target; an allocation moves an amount from one to the other. What is not yet allocated is the
``unallocated`` of a payment or refund and the ``balance`` of an invoice or credit note.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portico.db import BigId, Model, UtcDateTime


class PaymentKind(StrEnum):
    PAYMENT = "payment"  # from the customer
    REFUND = "refund"  # to the customer


class Payment(Model):
    """Money received from a customer, or given back to them."""

    __tablename__ = "payments"
    __table_args__ = (
        sa.UniqueConstraint("organization_id", "external_id"),
        sa.CheckConstraint("amount > 0", name="amount_positive"),
        sa.CheckConstraint("unallocated >= 0 AND unallocated <= amount", name="unallocated_within"),
        sa.Index(
            "ix_payments_customer_list",
            "organization_id", "customer_id", "received_on", "id", "number",  # backwards
        ),
        # The team's lists, over all customers.
        sa.Index("ix_payments_days", "organization_id", "received_on", "id", "customer_id"),
        sa.Index("ix_payments_newest", "organization_id", "kind", "received_on", "id"),
        sa.Index(
            "ix_payments_open", "organization_id", "kind", "received_on", "id",
            sqlite_where=sa.text("unallocated > 0"),
            postgresql_where=sa.text("unallocated > 0"),
        ),
        sa.Index(
            "ix_payments_unallocated",
            "organization_id", "customer_id", "currency",
            sqlite_where=sa.text("unallocated > 0"),
            postgresql_where=sa.text("unallocated > 0"),
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organizations.id"))
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("customers.id"))
    kind: Mapped[str] = mapped_column(sa.String(20))
    external_id: Mapped[str] = mapped_column(sa.String(500))
    number: Mapped[str] = mapped_column(sa.String(500))
    method: Mapped[str] = mapped_column(sa.String(100), default="")  # bank transfer, card, ...
    reference: Mapped[str] = mapped_column(sa.String(500), default="")  # the customer reads it
    currency: Mapped[str] = mapped_column(sa.String(3))
    amount: Mapped[int] = mapped_column(sa.BigInteger)
    unallocated: Mapped[int] = mapped_column(sa.BigInteger)
    received_on: Mapped[dt.date]
    voided_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)  # recorded by mistake
    voided_by: Mapped[str | None] = mapped_column(sa.String(200))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(sa.String(200))
    # What the file said that it came from; the same file again changes nothing (spec I1).
    imported_sha256: Mapped[str | None] = mapped_column(sa.String(64))

    @property
    def is_void(self) -> bool:
        return self.voided_at is not None


class Allocation(Model):
    """An amount moved from one source (payment, credit note) to one target (invoice, refund)."""

    __tablename__ = "payment_allocations"
    __table_args__ = (
        sa.CheckConstraint("amount > 0", name="amount_positive"),
        sa.CheckConstraint("(payment_id IS NULL) <> (credit_note_id IS NULL)", name="one_source"),
        sa.CheckConstraint("(invoice_id IS NULL) <> (refund_id IS NULL)", name="one_target"),
        sa.Index("ix_payment_allocations_payment_id", "payment_id"),
        sa.Index("ix_payment_allocations_credit_note_id", "credit_note_id"),
        sa.Index("ix_payment_allocations_invoice_id", "invoice_id"),
        sa.Index("ix_payment_allocations_refund_id", "refund_id"),
        sa.Index("ix_payment_allocations_customer_id_made_on", "customer_id", "made_on"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("customers.id"))  # of both sides
    payment_id: Mapped[int | None] = mapped_column(sa.ForeignKey("payments.id"))
    credit_note_id: Mapped[int | None] = mapped_column(sa.ForeignKey("documents.id"))
    invoice_id: Mapped[int | None] = mapped_column(sa.ForeignKey("documents.id"))
    refund_id: Mapped[int | None] = mapped_column(sa.ForeignKey("payments.id"))
    amount: Mapped[int] = mapped_column(sa.BigInteger)
    made_on: Mapped[dt.date]  # not before the days of its two sides
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(sa.String(200))

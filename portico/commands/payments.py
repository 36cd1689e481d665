"""Payments, refunds, what they settle, and statements."""

from __future__ import annotations

import datetime as dt
from typing import Any

import click

from portico import clock, formats
from portico.commands.shell import counted, in_tenant, staff_option
from portico.queries import payments as paid
from portico.queries.statement import Span
from portico.records.content import Kind
from portico.records.organization import Organization
from portico.records.payment import PaymentKind
from portico.services import documents, payments, sending, statements, team
from portico.services.payments import Money, Transfer

_DAY = click.DateTime(["%Y-%m-%d"])
_ORGANIZATION = click.argument("organization_slug", metavar="ORGANIZATION")
_CUSTOMER = click.argument("customer_reference", metavar="CUSTOMER")


@click.group("payment")
def payment() -> None:
    """Money that came in or went back, and what it settles."""


def _facts(command: Any) -> Any:
    """ORGANIZATION CUSTOMER AMOUNT, and what is known of the money."""
    for decorate in (
        click.option("--reference", default="", help="What the customer stated."),
        click.option("--method", default="", help="Bank transfer, card, ..."),
        click.option("--id", "external_id", default="", help="Its id in your books; its number."),
        click.option("--number", required=True, help="What you call it."),
        click.option("--on", "day", type=_DAY, help="The day it arrived; today."),
        click.option("--currency", required=True),
        click.argument("amount"),
        _CUSTOMER,
        _ORGANIZATION,
    ):
        command = decorate(command)
    return command


@payment.command("record")
@_facts
@staff_option
@in_tenant
def record(**options: Any) -> None:
    """Write down AMOUNT received from a customer, in the currency's own units."""
    _record(PaymentKind.PAYMENT, **options)


@payment.command("refund")
@_facts
@staff_option
@in_tenant
def refund(**options: Any) -> None:
    """Write down AMOUNT given back to a customer."""
    _record(PaymentKind.REFUND, **options)


def _record(
    kind: PaymentKind,
    *,
    organization_slug: str,
    customer_reference: str,
    amount: str,
    currency: str,
    day: dt.datetime | None,
    by: str,
    **facts: str,
) -> None:
    organization = team.find_organization(organization_slug)
    customer = team.find_customer(organization_slug, customer_reference)
    minor = payments.amount_of(amount, currency)
    on = day.date() if day else clock.today(organization.timezone)
    done = payments.record(customer.id, Money(kind, minor, currency, on, **facts), by=by)
    label = payments.LABELS[kind]
    click.echo(f"{label} {done.number}: {_money(minor, currency, organization)}, not allocated.")


def _sides(command: Any) -> Any:
    """From where to where: one of the first two, one of the last two."""
    for decorate in (
        click.option("--refund", help="Settle this refund."),
        click.option("--invoice", help="Settle this invoice."),
        click.option("--credit-note", help="With this credit note."),
        click.option("--payment", help="With this payment."),
        _ORGANIZATION,
    ):
        command = decorate(command)
    return command


@payment.command("allocate")
@_sides
@click.option("--amount", help="In the currency's own units; as much as is open on both sides.")
@staff_option
@in_tenant
def allocate(organization_slug: str, amount: str | None, by: str, **sides: str | None) -> None:
    """Settle an invoice or a refund with a payment or a credit note."""
    organization = team.find_organization(organization_slug)
    transfer, currency = _transfer(organization, **sides)
    if amount is not None:
        minor = payments.amount_of(amount, currency)
        transfer = Transfer(
            transfer.payment_id,
            transfer.credit_note_id,
            transfer.invoice_id,
            transfer.refund_id,
            minor,
        )
    done = payments.allocate(transfer, by=by)
    click.echo(f"Allocated: {_money(done.amount, currency, organization)}.")


@payment.command("release")
@_sides
@staff_option
@in_tenant
def release(organization_slug: str, by: str, **sides: str | None) -> None:
    """Take back what was allocated from the one to the other."""
    organization = team.find_organization(organization_slug)
    transfer, currency = _transfer(organization, **sides)
    amount = payments.release_between(transfer, by=by)
    click.echo(f"Released: {_money(amount, currency, organization)}.")


@payment.command("void")
@_ORGANIZATION
@click.argument("reference")
@staff_option
@in_tenant
def void(organization_slug: str, reference: str, by: str) -> None:
    """Strike a payment or refund that was recorded by mistake; what it settled is open again."""
    organization = team.find_organization(organization_slug)
    payments.void(payments.find_by_reference(organization.id, reference).id, by=by)
    click.echo("It counts no more.")


@payment.command("list")
@_ORGANIZATION
@_CUSTOMER
@in_tenant
def list_(organization_slug: str, customer_reference: str) -> None:
    """The newest payments and refunds of a customer, and what they settled."""
    organization = team.find_organization(organization_slug)
    customer = team.find_customer(organization_slug, customer_reference)
    for one in paid.payments_page(organization.id, customer.id, size=100).payments:
        amount, left = (
            _money(value, one.currency, organization) for value in (one.amount, one.unallocated)
        )
        click.echo(f"{one.received_on}\t{one.label} {one.number}\t{amount}\tnot allocated: {left}")
        for side in one.allocations:
            settled = _money(side.amount, one.currency, organization)
            click.echo(f"  {side.made_on}\t{side.label} {side.number}\t{settled}")


def _transfer(
    organization: Organization,
    *,
    payment: str | None,
    credit_note: str | None,
    invoice: str | None,
    refund: str | None,
) -> tuple[Transfer, str]:
    """The two sides by their ids or numbers, and the currency of the one it comes from."""
    from_payment = payments.find_by_reference(organization.id, payment) if payment else None
    to_refund = payments.find_by_reference(organization.id, refund) if refund else None
    from_note, to_invoice = (
        documents.find_by_reference(organization.id, kind, reference) if reference else None
        for kind, reference in ((Kind.CREDIT_NOTE, credit_note), (Kind.INVOICE, invoice))
    )
    transfer = Transfer(
        payment_id=from_payment.id if from_payment else None,
        credit_note_id=from_note.id if from_note else None,
        invoice_id=to_invoice.id if to_invoice else None,
        refund_id=to_refund.id if to_refund else None,
    )
    source = from_payment or from_note
    assert source is not None  # the transfer has one
    return transfer, source.currency


def _money(minor: int, currency: str, organization: Organization) -> str:
    return formats.money(minor, currency, organization.locale)


# --- statements -------------------------------------------------------------------------------


@click.group("statement")
def statement() -> None:
    """What a customer owed, from one day to another."""


def _period(command: Any) -> Any:
    for decorate in (
        click.option("--currency", help="Needed where the customer has several."),
        click.option("--to", "end", type=_DAY, required=True, help="The last day."),
        click.option("--from", "start", type=_DAY, required=True, help="The first day."),
        _CUSTOMER,
        _ORGANIZATION,
    ):
        command = decorate(command)
    return command


@statement.command("issue")
@_period
@click.option("--send", is_flag=True, help="Mail it to every contact of the customer.")
@staff_option
@in_tenant
def issue(
    organization_slug: str,
    customer_reference: str,
    start: dt.datetime,
    end: dt.datetime,
    currency: str | None,
    send: bool,
    by: str,
) -> None:
    """Make a statement, as a document with a number of its own."""
    done = statements.issue(
        team.find_organization(organization_slug),
        team.find_customer(organization_slug, customer_reference),
        Span(start.date(), end.date()),
        by=by,
        currency=currency,
    )
    click.echo(f"Statement {done.number} was issued.")
    if send:
        contacts = [one.id for one in sending.recipients(done.customer_id)]
        count = sending.send(done.id, contacts, by=by)
        click.echo(f"{counted(count, 'mail')} on the way.")


@statement.command("show")
@_period
@in_tenant
def show(
    organization_slug: str,
    customer_reference: str,
    start: dt.datetime,
    end: dt.datetime,
    currency: str | None,
) -> None:
    """Print a statement; nothing is stored."""
    organization = team.find_organization(organization_slug)
    customer = team.find_customer(organization_slug, customer_reference)
    content = statements.content_for(
        organization, customer, Span(start.date(), end.date()), currency
    )
    body = content.statement
    assert body is not None  # content_for makes nothing else

    def line(what: str, amount: int | None, balance: int) -> None:
        amounts = ["" if value is None else formats.plain_money(value, content.currency, "en")
                   for value in (amount, balance)]  # fmt: skip
        click.echo(f"{what:<48.48}{amounts[0]:>16}{amounts[1]:>16}")

    click.echo(f"{customer.name}, {content.number}, {content.currency}")
    line("Opening balance", None, body.opening)
    for entry in body.entries:
        line(f"{entry.on}  {entry.kind} {entry.number}", entry.amount, entry.balance)
    line("Closing balance", None, body.closing)
    for bucket in body.ageing:
        line(f"  {bucket.label}", None, bucket.amount)


COMMANDS = (payment, statement)

"""Send, share, revoke, answer, extend, record, reverse, verify."""

from __future__ import annotations

import datetime as dt
from typing import Any

import click

from portico.commands.shell import counted, in_tenant, staff_option
from portico.records.content import Kind
from portico.records.decision import Answer
from portico.records.document import Document
from portico.records.link import Purpose
from portico.services import conversations, decisions, documents, links, sending, team
from portico.services.decisions import Signatory

_KINDS = click.Choice([kind.value for kind in Kind])


def _document_arguments(command: Any) -> Any:
    """ORGANIZATION KIND REFERENCE: a document by its id in your books, or its number."""
    for argument in (
        click.argument("reference"),
        click.argument("kind", type=_KINDS),
        click.argument("organization_slug", metavar="ORGANIZATION"),
    ):
        command = argument(command)
    return command


def _find(organization_slug: str, kind: str, reference: str) -> Document:
    organization = team.find_organization(organization_slug)
    return documents.find_by_reference(organization.id, Kind(kind), reference)


@click.group("document")
def document() -> None:
    """Documents that were imported: send, share, revoke, withdraw."""


@document.command("send")
@_document_arguments
@click.option("--to", "emails", multiple=True, help="A contact's address; default: all contacts.")
@click.option("--message", default="", help="A few words of your own.")
@click.option("--attach-pdf", is_flag=True)
@click.option("--hours", type=int, help="Life of this link, instead of the organization's setting.")
@staff_option
@in_tenant
def send(
    organization_slug: str,
    kind: str,
    reference: str,
    emails: tuple[str, ...],
    message: str,
    attach_pdf: bool,
    hours: int | None,
    by: str,
) -> None:
    """Mail a link of their own to each contact."""
    found = _find(organization_slug, kind, reference)
    contacts = sending.recipients(found.customer_id)
    if emails:
        wanted = {email.strip().lower() for email in emails}
        contacts = [one for one in contacts if (one.email or "").lower() in wanted]
        missing = wanted - {(one.email or "").lower() for one in contacts}
        if missing:
            raise click.ClickException(f"Not a contact of this customer: {', '.join(missing)}")
    count = sending.send(
        found.id,
        [one.id for one in contacts],
        by=by,
        message=message,
        attach_pdf=attach_pdf,
        hours=hours,
    )
    click.echo(f"{counted(count, 'mail')} on the way.")


@document.command("link")
@_document_arguments
@click.option("--quote", is_flag=True, help="A stand-alone /q/ link.")
@click.option("--hours", type=int, help="How long it works; default as the organization set it.")
@staff_option
@in_tenant
def link(
    organization_slug: str, kind: str, reference: str, quote: bool, hours: int | None, by: str
) -> None:
    """Print a link to hand over yourself. This is the only time it is shown."""
    found = _find(organization_slug, kind, reference)
    purpose = Purpose.QUOTE if quote else Purpose.DOCUMENT
    click.echo(links.copy(found.id, by=by, purpose=purpose, hours=hours))


@document.command("revoke")
@_document_arguments
@staff_option
@in_tenant
def revoke(organization_slug: str, kind: str, reference: str, by: str) -> None:
    """Revoke all links to a document, expired ones too."""
    found = _find(organization_slug, kind, reference)
    click.echo(f"{counted(links.revoke_for_document(found.id, by=by), 'link')} revoked.")


@document.command("post")
@_document_arguments
@staff_option
@in_tenant
def post(organization_slug: str, kind: str, reference: str, by: str) -> None:
    """Make a draft final, so that it can be sent."""
    documents.post_draft(_find(organization_slug, kind, reference).id, by=by)
    click.echo("It is posted and can be sent.")


@document.command("void")
@_document_arguments
@staff_option
@in_tenant
def void(organization_slug: str, kind: str, reference: str, by: str) -> None:
    """Withdraw a quote, or cancel another document."""
    documents.void(_find(organization_slug, kind, reference).id, by=by)
    click.echo("It can still be read, and no longer answered.")


@document.command("answer")
@_document_arguments
@click.argument("text")
@staff_option
@in_tenant
def answer(organization_slug: str, kind: str, reference: str, text: str, by: str) -> None:
    """Answer a question: the customer is mailed and reads it on the page."""
    conversations.answer(_find(organization_slug, kind, reference).id, text, by=by)
    click.echo("The answer stands on the page; whoever holds a mailed link is told by mail.")


@click.group("quote")
def quote() -> None:
    """Extend a quote; record or reverse a decision."""


@quote.command("extend")
@click.argument("organization_slug", metavar="ORGANIZATION")
@click.argument("reference")
@click.argument("until", type=click.DateTime(["%Y-%m-%d"]))
@click.option("--note", default="", help="A few words to the customer.")
@staff_option
@in_tenant
def extend(organization_slug: str, reference: str, until: dt.datetime, note: str, by: str) -> None:
    """Give a quote more time, through the day UNTIL."""
    found = _find(organization_slug, Kind.QUOTE, reference)
    documents.extend(found.id, until.date(), by=by, note=note)
    click.echo(f"The quote is now valid until {until.date().isoformat()}.")


@quote.command("record")
@click.argument("organization_slug", metavar="ORGANIZATION")
@click.argument("reference")
@click.argument("answer_", metavar="ANSWER", type=click.Choice([one.value for one in Answer]))
@click.option("--name", required=True, help="Who gave the answer.")
@click.option("--po-number", default="")
@click.option("--note", required=True, help="How it was given: by phone, on paper, ...")
@staff_option
@in_tenant
def record(
    organization_slug: str,
    reference: str,
    answer_: str,
    name: str,
    po_number: str,
    note: str,
    by: str,
) -> None:
    """Write down an answer that was given by phone or on paper."""
    found = _find(organization_slug, Kind.QUOTE, reference)
    decision = decisions.record_offline(
        found.id, Answer(answer_), Signatory(name, po_number), by=by, note=note
    )
    click.echo(f"Recorded; the receipt is {decision.receipt_code}.")


@quote.command("reverse")
@click.argument("organization_slug", metavar="ORGANIZATION")
@click.argument("reference")
@click.option("--note", required=True, help="Why; the customer reads it.")
@staff_option
@in_tenant
def reverse(organization_slug: str, reference: str, note: str, by: str) -> None:
    """Take back an answer; it stays on record and the quote is open again."""
    found = _find(organization_slug, Kind.QUOTE, reference)
    decision = decisions.reverse(found.id, by=by, note=note)
    click.echo(f"The answer {decision.receipt_code} was reversed.")


@click.group("receipt")
def receipt() -> None:
    """Receipts of decisions."""


@receipt.command("verify")
@click.argument("code")
@in_tenant
def verify(code: str) -> None:
    """Check a receipt against the database: evidence, revision and content."""
    found = decisions.verify(code)
    decision = found.decision
    click.echo(f"{found.document.label} {found.document.number}, revision {decision.revision}")
    click.echo(f"{decision.answer} by {decision.signatory}, {decision.decided_at.isoformat()}")
    if decision.contact_email:
        click.echo(f"contact: {decision.contact_name} <{decision.contact_email}>")
    click.echo(f"by: {decision.via}; address: {decision.ip}; browser: {decision.user_agent}")
    click.echo(f"SHA-256 of the content: {decision.content_sha256}")
    if decision.reversed_at:
        click.echo(f"reversed {decision.reversed_at.isoformat()} by {decision.reversed_by}: "
                   f"{decision.reversal_note}")  # fmt: skip
    if found.problems:
        raise click.ClickException(" ".join(found.problems))
    click.echo("Everything holds: this is what was agreed to.")


COMMANDS = (document, quote, receipt)

"""Mail that was given up: what, to whom, why, and once more."""

from __future__ import annotations

import click
import sqlalchemy as sa

from portico.commands.shell import in_tenant, staff_option
from portico.db import db
from portico.records.mail import Mail, MailState
from portico.refusals import Unknown
from portico.services import outbox


@click.group("mail")
def mail() -> None:
    """Messages that wait, failed or were passed over."""


@mail.command("list")
@in_tenant
def list_() -> None:
    """Every message that has not gone out, with its number and the reason."""
    rows = db.session.execute(
        sa.select(Mail).where(Mail.state != MailState.SENT).order_by(Mail.id)
    ).scalars()
    for row in rows:
        to = f"contact {row.contact_id}" if row.contact_id else "the team"
        click.echo(f"{row.id}\t{row.kind}\tto {to}\t{row.state}\t{row.error or ''}")


@mail.command("resend")
@click.argument("number", type=click.IntRange(1, 2**63 - 1))
@staff_option
@in_tenant
def resend(number: int, by: str) -> None:
    """Try a message again that failed or was passed over."""
    if db.session.get(Mail, number) is None:
        raise Unknown(f"There is no message {number}.")
    outbox.resend(number, by=by)
    click.echo("It is tried again.")


COMMANDS = (mail,)

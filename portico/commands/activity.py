"""The activity log: of one document, and the proof that it is whole."""

from __future__ import annotations

import datetime as dt

import click

from portico import clock
from portico.commands.shell import in_tenant, staff_option
from portico.queries import timeline
from portico.records.activity import AccessLog
from portico.records.content import Kind
from portico.services import activity as log
from portico.services import activity_chain, documents, team


@click.group("activity")
def activity() -> None:
    """What happened in the portal."""


@activity.command("show")
@click.argument("organization_slug", metavar="ORGANIZATION")
@click.argument("kind", type=click.Choice([kind.value for kind in Kind]))
@click.argument("reference")
@in_tenant
def show(organization_slug: str, kind: str, reference: str) -> None:
    """Everything that happened to a document, oldest first."""
    organization = team.find_organization(organization_slug)
    document = documents.find_by_reference(organization.id, Kind(kind), reference)
    log.adopt_orphans()
    for line in timeline.of_document(document.id):
        click.echo(line)


@activity.command("verify")
@in_tenant
def verify() -> None:
    """Walk the hash chain: finds a changed, deleted, reordered or cut row."""
    log.adopt_orphans()
    verdict = activity_chain.verify()
    if verdict.problem:
        raise click.ClickException(f"The log is not whole: {verdict.problem}.")
    click.echo(f"The log is whole: {verdict.rows} rows.")


@activity.command("erase")
@click.argument("organization_slug", metavar="ORGANIZATION")
@click.argument("customer")
@staff_option
@in_tenant
def erase(organization_slug: str, customer: str, by: str) -> None:
    """Forget addresses and user agents of one customer; the chain stays whole."""
    found = team.find_customer(organization_slug, customer)
    count = log.erase(AccessLog.customer_id == found.id, actor=by)
    click.echo(f"{count} rows no longer say from where.")


@activity.command("erase-older")
@click.argument("days", type=click.IntRange(0, 36_500))
@staff_option
@in_tenant
def erase_older(days: int, by: str) -> None:
    """Forget addresses and user agents of what is so many days old; the chain stays whole."""
    log.adopt_orphans()
    begin = clock.now() - dt.timedelta(days=days)
    count = log.erase(AccessLog.occurred_at < begin, actor=by)
    click.echo(f"{count} rows no longer say from where.")


@activity.command("seal")
@staff_option
@in_tenant
def seal(by: str) -> None:
    """Seal the log again, after its keys were lost. That stands in it; no change is hidden."""
    log.adopt_orphans()
    log.seal(actor=by)
    click.echo("The end of the log is sealed.")


COMMANDS = (activity,)

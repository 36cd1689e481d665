"""Many invitations at once, by command (spec C3)."""

from __future__ import annotations

import click

from portico.commands.shell import counted, in_tenant, staff_option
from portico.queries import console_invitations
from portico.services import invitations as service
from portico.services import team


@click.group("invitations")
def invitations() -> None:
    """Invite everybody who has no account yet."""


@invitations.command("send")
@click.argument("organization_slug", metavar="ORGANIZATION")
@click.option("--all", "everybody", is_flag=True, help="Do it; without, only say how many.")
@staff_option
@in_tenant
def send(organization_slug: str, everybody: bool, by: str) -> None:
    """Invite everybody who can be; the worker mails them."""
    organization = team.find_organization(organization_slug)
    if not everybody:
        figures = console_invitations.figures(organization.id)
        click.echo(f"{_people(figures.eligible)} can be invited; --all does it.")
        return
    batch = service.start(organization.id, by=by)
    click.echo(f"Batch {batch.id}: {_people(batch.total)}; the worker mails them.")


@invitations.command("status")
@click.argument("organization_slug", metavar="ORGANIZATION")
@in_tenant
def status(organization_slug: str) -> None:
    """How many can be and were invited, and how far the newest batches are."""
    organization = team.find_organization(organization_slug)
    figures = console_invitations.figures(organization.id)
    click.echo(
        f"{figures.eligible} can be invited, {figures.invited} invited already, "
        f"{figures.set_up} have an account, {counted(figures.total, 'contact')} in all."
    )
    for one in console_invitations.batches(organization.id):
        click.echo(
            f"Batch {one.id} of {one.created_at:%Y-%m-%d %H:%M} UTC by {one.created_by}: "
            f"{one.sent} sent, {one.failed} failed, {one.skipped} skipped, {one.waiting} waiting."
        )


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number} people"


COMMANDS = (invitations,)

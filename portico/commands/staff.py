"""The team: the first owner comes by command, everybody else by invitation."""

from __future__ import annotations

import click

from portico.commands.shell import in_tenant, staff_option
from portico.records.staff import Role
from portico.services import staff


@click.group("staff")
def team() -> None:
    """Who works in the console."""


@team.command("invite")
@click.argument("organization_slug", metavar="ORGANIZATION")
@click.option("--name", required=True)
@click.option("--email", required=True)
@click.option(
    "--role", type=click.Choice([role.value for role in Role]), default="owner", show_default=True
)
@staff_option
@in_tenant
def invite(organization_slug: str, name: str, email: str, role: str, by: str) -> None:
    """Make a member of the team; a mail leads them to their password."""
    staff.create(name, email, organization_slug, Role(role), by=by)
    click.echo(f"{name} is invited as {role}; the mail to {email} is on its way.")


COMMANDS = (team,)

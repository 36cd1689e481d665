"""The team: the first owner comes by command, everybody else by invitation (spec C1)."""

from __future__ import annotations

import click

from portico.commands.shell import in_tenant, staff_option
from portico.queries import colleagues as team_of
from portico.records.staff import Role
from portico.services import colleagues, staff
from portico.services.team import find_organization

_role = click.Choice([role.value for role in Role])
_organization = click.argument("organization_slug", metavar="ORGANIZATION")


@click.group("staff")
def team() -> None:
    """Who works in the console."""


@team.command("list")
@_organization
@in_tenant
def show(organization_slug: str) -> None:
    """Everybody with a role in an organization."""
    for one in team_of.of(find_organization(organization_slug).id):
        second = "second factor" if one.has_second_factor else "password only"
        click.echo(f"{one.email}\t{one.name}\t{one.role}\t{one.state[0].lower()}\t{second}")


@team.command("invite")
@_organization
@click.option("--name", required=True)
@click.option("--email", required=True)
@click.option("--role", type=_role, default="owner", show_default=True)
@staff_option
@in_tenant
def invite(organization_slug: str, name: str, email: str, role: str, by: str) -> None:
    """Put somebody on the team; a mail leads them to their password."""
    organization = find_organization(organization_slug)
    member = colleagues.invite(name, email, organization.id, Role(role), by=by)
    click.echo(f"{member.name} is on the team as {role}; a mail to {member.email} is on its way.")


@team.command("resend")
@_organization
@click.argument("email")
@staff_option
@in_tenant
def resend(organization_slug: str, email: str, by: str) -> None:
    """Mail the invitation once more."""
    organization = find_organization(organization_slug)
    member = colleagues.resend(staff.find(email).id, organization.id, by=by)
    click.echo(f"The mail to {member.email} is on its way.")


@team.command("roles")
@_organization
@click.argument("email")
@click.argument("role", type=click.Choice([*_role.choices, "none"]))
@staff_option
@in_tenant
def roles(organization_slug: str, email: str, role: str, by: str) -> None:
    """Give somebody on the team another role, or (none) take them off it."""
    organization, person = find_organization(organization_slug), staff.find(email)
    if role == "none":
        colleagues.remove(person.id, organization.id, by=by)
        click.echo(f"{person.name} is off the team of {organization.name}.")
        return
    colleagues.change_role(person.id, organization.id, Role(role), by=by)
    click.echo(f"{person.name} is {role} at {organization.name}.")


@team.command("disable")
@_organization
@click.argument("email")
@staff_option
@in_tenant
def disable(organization_slug: str, email: str, by: str) -> None:
    """Shut a person out everywhere, at once; their roles are kept."""
    organization, person = find_organization(organization_slug), staff.find(email)
    colleagues.disable(person.id, organization.id, by=by)
    click.echo(f"{person.name} is disabled.")


@team.command("enable")
@_organization
@click.argument("email")
@staff_option
@in_tenant
def enable(organization_slug: str, email: str, by: str) -> None:
    """Let a disabled person in again."""
    organization, person = find_organization(organization_slug), staff.find(email)
    colleagues.enable(person.id, organization.id, by=by)
    click.echo(f"{person.name} can sign in again.")


@team.command("reset-second-factor")
@_organization
@click.argument("email")
@staff_option
@in_tenant
def reset_second_factor(organization_slug: str, email: str, by: str) -> None:
    """For somebody who lost phone and recovery codes: the password alone is asked for again."""
    organization, person = find_organization(organization_slug), staff.find(email)
    colleagues.reset_second_factor(person.id, organization.id, by=by)
    click.echo(f"{person.name} signs in with the password alone now.")


COMMANDS = (team,)

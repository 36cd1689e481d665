"""Portal accounts: who is invited, who may sign in, and why somebody cannot."""

from __future__ import annotations

import click

from portico.commands.shell import in_tenant, staff_option
from portico.queries import customer_accounts
from portico.records.content import Kind
from portico.records.customer import Contact
from portico.services import accounts, documents, reasons, team


def _person(command: click.decorators.FC) -> click.decorators.FC:
    for name, metavar in (
        ("email", "EMAIL"),
        ("reference", "CUSTOMER"),
        ("organization_slug", "ORGANIZATION"),
    ):
        command = click.argument(name, metavar=metavar)(command)
    return command


@click.group("account")
def account() -> None:
    """Accounts in the customer portal."""


@account.command("invite")
@_person
@staff_option
@in_tenant
def invite(organization_slug: str, reference: str, email: str, by: str) -> None:
    """Open the portal to a contact, and mail them the way in."""
    found = _contact(organization_slug, reference, email)
    accounts.invite(found.id, by=by)
    click.echo(f"An invitation to {found.name} is on its way.")


@account.command("resend")
@_person
@staff_option
@in_tenant
def resend(organization_slug: str, reference: str, email: str, by: str) -> None:
    """Mail the invitation again, until a password is set; older ones end."""
    found = _contact(organization_slug, reference, email)
    accounts.find_account(found.id)
    accounts.invite(found.id, by=by)
    click.echo(f"Another invitation to {found.name} is on its way.")


@account.command("disable")
@_person
@staff_option
@in_tenant
def disable(organization_slug: str, reference: str, email: str, by: str) -> None:
    """Sign somebody out for good; everything they did stays on record."""
    found = _contact(organization_slug, reference, email)
    accounts.disable(accounts.find_account(found.id).id, by=by)
    click.echo(f"The account of {found.name} is disabled.")


@account.command("enable")
@_person
@staff_option
@in_tenant
def enable(organization_slug: str, reference: str, email: str, by: str) -> None:
    """Let somebody in again, with the password they had."""
    found = _contact(organization_slug, reference, email)
    accounts.enable(accounts.find_account(found.id).id, by=by)
    click.echo(f"The account of {found.name} is enabled.")


@account.command("list")
@click.argument("organization_slug", metavar="ORGANIZATION")
@in_tenant
def list_accounts(organization_slug: str) -> None:
    """Every account of an organization, with its state."""
    found = customer_accounts.of_organization(team.find_organization(organization_slug).id)
    for one in found:
        click.echo(f"{one.email:40} {one.state:12} {one.name}, {one.customer_name}")
    if not found:
        click.echo("There are no accounts yet.")


@account.command("why")
@_person
@click.argument("kind", type=click.Choice([kind.value for kind in Kind]), required=False)
@click.argument("number", required=False)
@in_tenant
def why(
    organization_slug: str, reference: str, email: str, kind: str | None, number: str | None
) -> None:
    """Why a contact can or cannot sign in, and see a document if KIND and NUMBER name one, also by
    a link that was mailed to them."""
    found = _contact(organization_slug, reference, email)
    document_id = None
    if kind is not None:
        if number is None:
            raise click.UsageError("Name the document by its kind and its number.")
        owner = team.find_organization(organization_slug)
        document_id = documents.find_by_reference(owner.id, Kind(kind), number).id
    conditions = reasons.why(found.id, document_id)
    for one in conditions:
        click.echo(f"{'yes' if one.holds else 'NO ':3} {one.sentence}")
    can = "can" if all(one.holds for one in conditions) else "cannot"
    what = "sign in" if document_id is None else f"sign in and see {kind} {number}"
    click.echo(f"{found.name} {can} {what}.")
    if document_id is not None:
        click.echo(f"By link: {reasons.by_link(found.id, document_id).sentence}")


def _contact(organization_slug: str, reference: str, email: str) -> Contact:
    return team.find_contact(team.find_customer(organization_slug, reference), email)


COMMANDS = (account,)

"""Organizations, customers, contacts."""

from __future__ import annotations

from typing import Any

import click

from portico.commands.shell import counted, in_tenant, staff_option
from portico.pdf import DESIGNS
from portico.records.content import Kind
from portico.services import accounts, customers, links, team
from portico.services.team import OrganizationFace

_ON_OFF = click.Choice(["on", "off"])


def _face_options(command: Any) -> Any:
    for name, help_ in reversed(
        (
            ("name", "The trading name."),
            ("email", "Where the team reads what customers answer."),
            ("address", "Lines of the postal address."),
            ("phone", None),
            ("website", None),
            ("tax-id", None),
            ("locale", "Such as en_GB or de."),
            ("timezone", "Such as Europe/Oslo."),
            ("colour", "The brand colour, such as #1f5c4d."),
            ("pdf-design", ", ".join(DESIGNS) + "."),
            ("sender-name", "Whom mails come from, where that is not the trading name."),
            ("next-steps", "What happens after a quote was accepted."),
            ("payment-instructions", "How to pay."),
            ("payment-url", "https URL with {number} {amount} {minor} {currency} {reference}."),
        )
    ):
        command = click.option(f"--{name}", help=help_)(command)
    for name in ("invoice", "quote"):
        command = click.option(
            f"--remind-{name}s",
            f"remind_{name}_days",
            type=int,
            help=f"Days before the deadline of {'an' if name == 'invoice' else 'a'} {name}; 0: never.",
        )(command)
    command = click.option(
        "--self-signup",
        type=_ON_OFF,
        callback=_is_on,
        help="Whether a mailed link offers its reader an account.",
    )(command)
    return click.option(
        "--sections", help="What the portal shows besides: orders,projects,… or none."
    )(command)


def _is_on(_context: object, _option: object, value: str | None) -> bool | None:
    return None if value is None else value == "on"


@click.group("organization")
def organization() -> None:
    """Trading names of a tenant."""


@organization.command("create")
@click.argument("slug")
@_face_options
@in_tenant
def create_organization(slug: str, **face: Any) -> None:
    """Make an organization; --name and --email are needed."""
    team.create_organization(slug, OrganizationFace(**face))
    click.echo(f"Organization {slug} is ready.")


@organization.command("set")
@click.argument("slug")
@_face_options
@staff_option
@in_tenant
def set_organization(slug: str, by: str, **face: Any) -> None:
    """Change what is named, leave the rest."""
    team.change_organization(slug, OrganizationFace(**face), by=by)
    click.echo(f"Organization {slug} was changed.")


@organization.command("link-life")
@click.argument("slug")
@click.option("--kind", type=click.Choice([kind.value for kind in Kind]), required=True)
@click.option("--hours", type=int, default=24, show_default=True)
@click.option("--until-validity", is_flag=True, help="At least through a quote's last valid day.")
@in_tenant
def link_life(slug: str, kind: str, hours: int, until_validity: bool) -> None:
    """How long links to one kind of document live."""
    team.set_link_lifetime(slug, Kind(kind), hours, until_validity=until_validity)
    click.echo("The life of new links was set.")


@click.group("customer")
def customer() -> None:
    """Whom an organization sells to."""


@customer.command("create")
@click.argument("organization_slug", metavar="ORGANIZATION")
@click.argument("name")
@click.option("--id", "external_id", help="Its id in your books.")
@click.option("--tax-id")
@click.option("--endpoint", help="Electronic address, SCHEME:VALUE.")
@in_tenant
def create_customer(
    organization_slug: str,
    name: str,
    external_id: str | None,
    tax_id: str | None,
    endpoint: str | None,
) -> None:
    """Make a customer."""
    team.create_customer(
        organization_slug, name, external_id=external_id, tax_id=tax_id, endpoint=endpoint
    )
    click.echo(f"Customer {name} is ready.")


@customer.command("revoke-links")
@click.argument("organization_slug", metavar="ORGANIZATION")
@click.argument("reference", metavar="CUSTOMER")
@staff_option
@in_tenant
def revoke_links(organization_slug: str, reference: str, by: str) -> None:
    """Revoke all links of a customer (by id or exact name), expired ones too."""
    found = team.find_customer(organization_slug, reference)
    click.echo(f"{counted(links.revoke_for_customer(found.id, by=by), 'link')} revoked.")


@customer.command("switch")
@click.argument("organization_slug", metavar="ORGANIZATION")
@click.argument("reference", metavar="CUSTOMER")
@click.argument("state", type=_ON_OFF)
@staff_option
@in_tenant
def switch_customer(organization_slug: str, reference: str, state: str, by: str) -> None:
    """Switch a customer off (their links open nothing) or on again."""
    found = team.find_customer(organization_slug, reference)
    customers.switch(found.id, on=state == "on", by=by)
    click.echo(f"{reference} is switched {state}.")


@customer.command("access")
@click.argument("organization_slug", metavar="ORGANIZATION")
@click.argument("reference", metavar="CUSTOMER")
@click.argument("state", type=_ON_OFF)
@staff_option
@in_tenant
def customer_access(organization_slug: str, reference: str, state: str, by: str) -> None:
    """The account portal for a whole customer; off, everybody of theirs is signed out."""
    found = team.find_customer(organization_slug, reference)
    switch = accounts.open_for_customer if state == "on" else accounts.withdraw_from_customer
    switch(found.id, by=by)
    click.echo(f"The portal is {state} for {found.name}.")


@click.group("contact")
def contact() -> None:
    """People at a customer."""


@contact.command("add")
@click.argument("organization_slug", metavar="ORGANIZATION")
@click.argument("reference", metavar="CUSTOMER")
@click.option("--name", required=True)
@click.option("--email")
@click.option("--role", default="")
@in_tenant
def add_contact(
    organization_slug: str, reference: str, name: str, email: str | None, role: str
) -> None:
    """Add a person; without an e-mail address they get no mail."""
    team.add_contact(organization_slug, reference, name, email, role=role)
    click.echo(f"Contact {name} was added.")


@contact.command("switch")
@click.argument("organization_slug", metavar="ORGANIZATION")
@click.argument("reference", metavar="CUSTOMER")
@click.argument("email")
@click.argument("state", type=_ON_OFF)
@staff_option
@in_tenant
def switch_contact(organization_slug: str, reference: str, email: str, state: str, by: str) -> None:
    """Switch a contact off (the links mailed to them open nothing) or on again."""
    found = team.find_contact(team.find_customer(organization_slug, reference), email)
    customers.switch_contact(found.id, on=state == "on", by=by)
    click.echo(f"{email} is switched {state}.")


@contact.command("change")
@click.argument("organization_slug", metavar="ORGANIZATION")
@click.argument("reference", metavar="CUSTOMER")
@click.argument("email")
@click.option("--name")
@click.option("--email", "new_email", help="The new address; empty takes it away.")
@click.option("--role")
@click.option("--revoke-links", is_flag=True, help="Revoke what was mailed to the old address.")
@staff_option
@in_tenant
def change_contact(
    organization_slug: str,
    reference: str,
    email: str,
    name: str | None,
    new_email: str | None,
    role: str | None,
    revoke_links: bool,
    by: str,
) -> None:
    """Change what is named. A new address signs its account out everywhere."""
    found = team.find_contact(team.find_customer(organization_slug, reference), email)
    found = team.change_contact(
        found.id, name=name, email=new_email, role=role, revokes_links=revoke_links, by=by
    )
    click.echo(f"Contact {found.name} was changed.")


@contact.command("access")
@click.argument("organization_slug", metavar="ORGANIZATION")
@click.argument("reference", metavar="CUSTOMER")
@click.argument("email")
@click.argument("state", type=_ON_OFF)
@staff_option
@in_tenant
def contact_access(organization_slug: str, reference: str, email: str, state: str, by: str) -> None:
    """Portal access of one person: on invites who has no password yet, off signs them out."""
    found = team.find_contact(team.find_customer(organization_slug, reference), email)
    if state == "off":
        accounts.withdraw_from_contact(found.id, by=by)
        click.echo(f"Portal access is off for {found.name}.")
        return
    invited = accounts.open_for_contact(found.id, by=by)
    mailed = " An invitation is on its way." if invited else ""
    click.echo(f"Portal access is on for {found.name}.{mailed}")


COMMANDS = (organization, customer, contact)

"""Files for customers, from the shell."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from portico.commands.shell import counted, in_tenant, staff_option
from portico.queries import files as queries
from portico.refusals import Unknown
from portico.services import files, team
from portico.services.files import Place


@click.group("file")
def file() -> None:
    """Files of customers and projects."""


@file.command("add")
@click.argument("organization_slug", metavar="ORGANIZATION")
@click.argument("customer")
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "--project",
    type=click.IntRange(1, 2**63 - 1),
    help="The project's number in its address; else they lie in the customer's library.",
)
@click.option("--share", is_flag=True, help="Show them to the customer, who is told.")
@staff_option
@in_tenant
def add(
    organization_slug: str,
    customer: str,
    paths: tuple[Path, ...],
    project: int | None,
    share: bool,
    by: str,
) -> None:
    """Keep PATHS for a customer, named by their id or name. Each is taken whole or not at all."""
    owner = team.find_customer(organization_slug, customer)
    place = _place(owner.organization_id, owner.id, project)
    for path in paths:
        with path.open("rb") as source:
            kept = files.take_in(source, path.name, place, by=by, shared=share)
        click.echo(f"{kept.id}  {kept.name}")


@file.command("list")
@click.argument("organization_slug", metavar="ORGANIZATION")
@click.argument("customer")
@click.option("--before", type=click.IntRange(1, 2**63 - 1), help="Go on below this id.")
@in_tenant
def list_(organization_slug: str, customer: str, before: int | None) -> None:
    """The files of a customer, newest first, a page at a time."""
    owner = team.find_customer(organization_slug, customer)
    folder = queries.Folder(owner.id, owner.name)
    page = queries.staff_page(owner.organization_id, folder, before=before)
    for one in page.rows:
        state = "shared" if one.is_shared else "not shared"
        click.echo(f"{one.id}  {one.name}  {one.size} bytes  {state}")
    if page.older:
        click.echo(f"More: --before {page.older}")


@file.command("share")
@click.argument("organization_slug", metavar="ORGANIZATION")
@click.argument("file_id", type=click.IntRange(1, 2**63 - 1))
@click.argument("on", type=click.Choice(["on", "off"]))
@staff_option
@in_tenant
def share(organization_slug: str, file_id: int, on: str, by: str) -> None:
    """Show a file to its customer, or no more."""
    files.share(_found(organization_slug, file_id), on == "on", by=by)
    click.echo("Shared." if on == "on" else "No longer shared.")


@file.command("remove")
@click.argument("organization_slug", metavar="ORGANIZATION")
@click.argument("file_ids", nargs=-1, required=True, type=click.IntRange(1, 2**63 - 1))
@staff_option
@in_tenant
def remove(organization_slug: str, file_ids: tuple[int, ...], by: str) -> None:
    """Take files away from everybody, and their bytes from the store."""
    for file_id in [_found(organization_slug, one) for one in file_ids]:
        files.remove(file_id, by=by)
    click.echo(f"{counted(len(file_ids), 'file')} removed.")


@file.command("tidy")
@click.option(
    "--days",
    type=click.IntRange(1, 3650),
    default=7,
    show_default=True,
    help="Leave alone what came within so many days.",
)
@in_tenant
def tidy(days: int) -> None:
    """Take away bytes in the store that no file leads to: of uploads that broke off."""
    gone = files.tidy(dt.timedelta(days=days))
    click.echo(f"{counted(gone, 'stray upload')} taken away.")


def _found(organization_slug: str, file_id: int) -> int:
    """The id, if that is a file of this organization. Raises Unknown."""
    if queries.staff_file(team.find_organization(organization_slug).id, file_id) is None:
        raise Unknown("There is no such file.")
    return file_id


def _place(organization_id: int, customer_id: int, project_id: int | None) -> Place:
    """The library of a customer, or a project of theirs. Raises Unknown."""
    if project_id is not None:
        found = queries.project_folder(organization_id, project_id)
        if found is None or found.customer_id != customer_id:
            raise Unknown("There is no such project of this customer.")
    return Place(organization_id, customer_id, project_id)


COMMANDS = (file,)

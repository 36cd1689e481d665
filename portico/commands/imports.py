"""Import documents, payments and projects from files."""

from __future__ import annotations

from pathlib import Path

import click

from portico.commands.shell import counted, in_tenant, staff_option
from portico.config import settings
from portico.services import intake
from portico.services.imports.refusals import BadFile


@click.command("import")
@click.argument("organization_slug", metavar="ORGANIZATION")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--id", "external_id", help="Its id in your books; default: its number.")
@click.option("--update", is_flag=True, help="Other content under a known id is a new revision.")
@click.option("--strict", is_flag=True, help="Refuse a file whose sums do not hold.")
@click.option("--draft", is_flag=True, help="Import as draft, to be posted later.")
@staff_option
@in_tenant
def import_files(
    organization_slug: str,
    files: tuple[Path, ...],
    external_id: str | None,
    update: bool,
    strict: bool,
    draft: bool,
    by: str,
) -> None:
    """Import UBL 2.1 or JSON FILES. Each file is imported whole or not at all."""
    failed = 0
    for file in files:
        try:
            done = intake.import_file(
                _bytes(file),
                organization_slug,
                by=by,
                external_id=external_id,
                update=update,
                strict=strict,
                draft=draft,
                progress=_progress(file),
            )
        except BadFile as refusal:
            failed += 1
            click.echo(f"{file}: nothing was imported", err=True)
            for problem in refusal.problems:
                click.echo(f"  {problem}", err=True)
            continue
        for one in done:
            click.echo(f"{file}: {one.kind_label} {one.number} for {one.customer}: {one.outcome}")
            for warning in one.warnings:
                click.echo(f"  warning: {warning}")
            if not one.can_be_sent:
                click.echo("  It cannot be sent until the customer has a contact with an address.")
    if failed:
        raise click.ClickException(f"Not imported: {counted(failed, 'file')} of {len(files)}.")


def _bytes(file: Path) -> bytes:
    """No more than can be imported, plus one byte that shows there is more."""
    with file.open("rb") as opened:
        return opened.read(settings().max_import + 1)


def _progress(file: Path) -> intake.Progress:
    def show(done: int, total: int) -> None:
        if total >= 200 and (done % 100 == 0 or done == total):
            click.echo(f"{file}: {done} of {total}", err=True)

    return show


COMMANDS = (import_files,)

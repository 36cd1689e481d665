"""Set-up, tenants, migrations, the worker."""

from __future__ import annotations

import os
import secrets

import click
from flask.cli import with_appcontext

from portico import worker
from portico.commands.shell import refusals_are_errors
from portico.config import settings
from portico.services import tenants


@click.command("setup")
@with_appcontext
def setup() -> None:
    """Make the secret keys and the control database. Safe to run again."""
    folder = settings().instance
    folder.mkdir(parents=True, exist_ok=True)
    keys = folder / "secret_keys"
    if settings().secret_keys:
        click.echo("There are secret keys already; they stay as they are.")
    else:
        handle = os.open(keys, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(48) + "\n")
        click.echo(f"Wrote new secret keys to {keys}. Keep a copy: without them no link opens.")
    tenants.migrate_control()
    click.echo("The control database is ready.")


@click.group("tenant")
def tenant() -> None:
    """Companies that use this installation, each with its own database."""


@tenant.command("create")
@click.argument("slug")
@click.option("--name", required=True)
@click.option("--url", "public_url", required=True, help="What links in mail begin with.")
@click.option("--host", "hosts", multiple=True, help="A host name of its own; may be repeated.")
@click.option("--database", help="SQLAlchemy URL of an empty PostgreSQL database.")
@with_appcontext
def create(
    slug: str, name: str, public_url: str, hosts: tuple[str, ...], database: str | None
) -> None:
    """Make a tenant and its database."""
    with refusals_are_errors():
        tenants.create(slug, name, public_url, hosts=hosts, url=database)
    click.echo(f"Tenant {slug} is ready.")


@tenant.command("list")
@with_appcontext
def list_() -> None:
    """All active tenants."""
    for one in tenants.directory().all():
        click.echo(f"{one.slug}\t{one.name}\t{one.public_url}")


@click.command("migrate")
@with_appcontext
def migrate() -> None:
    """Bring the control database and every tenant up to date; safe to run again."""
    failed = False
    for result in tenants.migrate_all():
        state = result.problem or ("migrated" if result.changed else "up to date")
        failed = failed or result.problem is not None
        click.echo(f"{result.name}: {state}")
    if failed:
        raise click.ClickException("Some databases were not migrated; mend them and run again.")


@click.command("worker")
@click.option("--threads", default=2, show_default=True, type=click.IntRange(1, 64))
@with_appcontext
def run_worker(threads: int) -> None:
    """Send mail and make PDFs until stopped (SIGTERM finishes what is at hand)."""
    worker.run(threads)


@click.command("sweep")
@with_appcontext
def sweep() -> None:
    """Send what is due now, once; for a timer instead of a worker, or after an outage."""
    from flask import Flask, current_app

    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    click.echo(f"{worker.sweep(app)} messages tried.")


COMMANDS = (setup, tenant, migrate, run_worker, sweep)

"""What commands share: the tenant they work in, and refusals as one line on standard error."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from portico.refusals import BadInput, Refusal
from portico.services.tenants import directory, tenant_scope


def in_tenant(command: Callable[..., Any]) -> Callable[..., Any]:
    """Run a command in the tenant named by --tenant, or in the only one there is."""

    @click.option("--tenant", help="The tenant's short name; may be left out where there is one.")
    @with_appcontext
    @functools.wraps(command)
    def wrapped(tenant: str | None, **options: Any) -> Any:
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
        with refusals_are_errors():
            slug = tenant or _only_tenant()
            with tenant_scope(app, slug):
                return command(**options)

    return wrapped


class refusals_are_errors:  # noqa: N801 - reads as a statement
    """Turn a refusal into click's error: one sentence, exit status 1."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, BadInput):
            lines = [f"{field}: {sentence}" for field, sentence in error.errors.items()]
            raise click.ClickException("\n".join(lines)) from None
        if isinstance(error, Refusal):
            raise click.ClickException(f"{error.sentence} {error.hint}".strip()) from None


def _only_tenant() -> str:
    default = directory().default()
    if default is None:
        raise click.ClickException("Name the tenant with --tenant.")
    return default.slug


def staff_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Who does it, for the trail."""
    return click.option(
        "--as", "by", default="the team", show_default=True, help="Who does this, for the trail."
    )(command)


def counted(number: int, thing: str) -> str:
    """``1 mail``, ``2 mails``."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"

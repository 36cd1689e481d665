"""The demonstration: web and worker on embedded parts, mail caught and shown (spec O1)."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import sys
from pathlib import Path
from typing import Any

import click

from portico import config
from portico.services import demonstration

_ROOT = Path(__file__).resolve().parents[2]
_LINES = (
    ("quote", "A quote to accept or decline"),
    ("quote_legacy", "The same by its older address"),
    ("quote_standalone", "A stand-alone quote link"),
    ("invoice", "An invoice with Pay now"),
    ("expired", "A link that has expired"),
    ("share", "A project shared by link"),
    ("proposal", "A proposal"),
    ("request", "A request for information"),
    ("acceptance", "Something to accept"),
    ("time_approval", "Hours to approve"),
    ("mail", "Every mail that was sent"),
)
# Where somebody signs in, with a password of their own.
_DOORS = (("portal", "The customer's account"), ("console", "The team's console"))


@click.command("demo")
@click.option("--reset-only", is_flag=True, help="Remove the demonstration's data and stop.")
@click.option("--prepare-only", is_flag=True, help="Make the data, print the links, do not serve.")
def demo(reset_only: bool, prepare_only: bool) -> None:
    """Start a demonstration with throw-away keys; PORT chooses the port (8000)."""
    settings = config.load(config.environment(PORTICO_DEMO="1"))
    if reset_only:
        _reset(settings.instance)
        return
    port = config.demo_port()
    if not prepare_only:
        _check_free(port)
    _prepare_keys(settings)
    settings = config.load(config.environment(PORTICO_DEMO="1"))
    links = _prepare(settings, f"http://127.0.0.1:{port}")
    _print(links, settings.instance)
    if not prepare_only:
        _serve(port)


def _prepare(settings: config.Config, base_url: str) -> dict[str, Any]:
    from app import create_app

    app = create_app(settings)
    file = settings.instance / "demo.json"
    links = demonstration.prepare(app, base_url, _passwords(file))
    draft = file.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(links, indent=2) + "\n", encoding="utf-8")
    draft.replace(file)
    return links


def _passwords(file: Path) -> dict[str, str]:
    """Those of the last start, so that whoever saved one signs in with it again; else new ones."""
    last = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return {
        door: last.get(door, {}).get("password") or secrets.token_urlsafe(12)
        for door, _text in _DOORS
    }


def _prepare_keys(settings: config.Config) -> None:
    settings.instance.mkdir(parents=True, exist_ok=True)
    if not settings.secret_keys:
        file = settings.instance / "secret_keys"
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(48) + "\n", encoding="ascii")
    (settings.instance / "demonstration").touch()


def _reset(instance: Path) -> None:
    """Remove the instance folder, but only one that the demonstration made."""
    if not instance.exists():
        click.echo("There is nothing to remove.")
        return
    if not (instance / "demonstration").exists():
        raise click.ClickException(f"{instance} is not a demonstration's; it was left alone.")
    shutil.rmtree(instance)
    click.echo("The demonstration's data is gone; the next start is fresh.")


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise click.ClickException(
                f"Port {port} is taken. Choose another: PORT={port + 1} make demo"
            ) from None


def _print(links: dict[str, Any], instance: Path) -> None:
    click.echo("\nPortico's demonstration. Click, or open on your phone's browser emulation:\n")
    for name, text in _LINES:
        click.echo(f"  {text:32} {links[name]}")
    click.echo("\nSign in:\n")
    for door, text in _DOORS:
        way_in = links[door]
        click.echo(f"  {text:32} {way_in['url']}\n  {'':32} {way_in['email']} {way_in['password']}")
    click.echo(f"\nThese links are also in {instance.name}/demo.json. Stop with Ctrl+C.\n")


def _serve(port: int) -> None:
    """Web and worker together; when one ends, honcho ends the other.

    Honcho takes this process's place, so that whoever stops the demonstration stops all of it.
    """
    procfile = _ROOT / "deploy" / "Procfile.demo"
    command = [
        sys.executable, "-m", "honcho", "start", "--no-prefix",
        "--procfile", str(procfile), "--app-root", str(_ROOT),
    ]  # fmt: skip
    environment = config.environment(PORTICO_DEMO="1", PORT=str(port), PYTHON=sys.executable)
    sys.stdout.flush()
    os.execve(sys.executable, command, environment)  # nosec B606 - our own interpreter


COMMANDS = (demo,)

"""What the team does from the shell; it stays for scripts when there is a console."""

from __future__ import annotations

from flask import Flask

from portico.commands import activity, demo, documents, imports, installation, team


def init_commands(app: Flask) -> None:
    for group in (installation, team, imports, documents, activity, demo):
        for command in group.COMMANDS:
            app.cli.add_command(command)

"""What the team does from the shell; it stays for scripts when there is a console."""

from __future__ import annotations

from flask import Flask

from portico.commands import (
    accounts,
    activity,
    documents,
    files,
    imports,
    installation,
    invitations,
    mail,
    payments,
    staff,
    team,
)
from portico.commands.demo import COMMANDS as DEMO


def init_commands(app: Flask) -> None:
    for group in (
        installation,
        team,
        accounts,
        invitations,
        staff,
        imports,
        documents,
        files,
        payments,
        mail,
        activity,
    ):
        for command in group.COMMANDS:
            app.cli.add_command(command)
    for command in DEMO:
        app.cli.add_command(command)

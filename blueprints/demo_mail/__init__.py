"""The demonstration's mailbox: mail is caught in a folder and shown, never sent."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from flask import Blueprint, Response, abort, render_template

from portico.config import settings
from portico.files.names import content_disposition

bp = Blueprint("demo_mail", __name__, url_prefix="/demo/mail")
_NAME = re.compile(r"[0-9a-f]{32}\Z")
_MOST = 200


@dataclass(frozen=True, slots=True)
class Caught:
    """One caught mail, as the list and the page show it."""

    name: str
    message: EmailMessage

    @property
    def text(self) -> str:
        body = self.message.get_body(("plain",))
        return body.get_content() if body else ""

    @property
    def files(self) -> list[str]:
        return [part.get_filename() or "file" for part in self.message.iter_attachments()]

    def __getitem__(self, header: str) -> str:
        return str(self.message[header] or "")


@bp.get("")
def index() -> str:
    """All caught mail, newest first."""
    folder = settings().mail_folder
    files = sorted(folder.glob("*.eml"), key=lambda file: file.stat().st_mtime, reverse=True)
    return render_template("demo/mails.html", mails=[_read(file) for file in files[:_MOST]])


@bp.get("/<name>")
def show(name: str) -> str:
    """One mail as its reader gets it, in plain text with links to click."""
    return render_template("demo/mail.html", mail=_find(name))


@bp.get("/<name>/html")
def html(name: str) -> Response:
    """The HTML part alone, in a page that may load and run nothing."""
    body = _find(name).message.get_body(("html",))
    response = Response(body.get_content() if body else "", mimetype="text/html")
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'unsafe-inline'; sandbox allow-popups "
        "allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation; "
        "frame-ancestors 'self'"
    )
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


@bp.get("/<name>/files/<int:position>")
def file(name: str, position: int) -> Response:
    """An attachment of a caught mail."""
    parts = list(_find(name).message.iter_attachments())
    if not 1 <= position <= len(parts):
        abort(404)
    part = parts[position - 1]
    response = Response(part.get_payload(decode=True), mimetype="application/octet-stream")
    response.headers["Content-Disposition"] = content_disposition(part.get_filename() or "file")
    return response


def _find(name: str) -> Caught:
    path = settings().mail_folder / f"{name}.eml"
    if not _NAME.match(name) or not path.is_file():
        abort(404)
    return _read(path)


def _read(path: Path) -> Caught:
    return Caught(path.stem, message_from_bytes(path.read_bytes(), policy=policy.default))

"""Reading the forms of a document page. Fields are few, so they are read by hand, with bounds."""

from __future__ import annotations

from flask import request

from portico.refusals import BadInput
from portico.services.decisions import Signatory

_LONGEST_FIELD = 20_000


def typed(name: str) -> str:
    """One field as text; absent is empty. Raises BadInput where it is far too long."""
    text = request.form.get(name, "")
    if len(text) > _LONGEST_FIELD:
        raise BadInput({name: "This is much too long; nothing was changed."})
    return text


def signatory(note_field: str) -> Signatory:
    return Signatory(typed("name"), typed("po_number"), typed(note_field))


def seen_revision() -> int:
    """The revision that was on screen. Raises BadInput where the form does not say."""
    text = request.form.get("revision", "")
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise BadInput(
            {"form": "Please open the page again and answer there; nothing was changed."}
        )
    return int(text)


def values() -> dict[str, str]:
    """What was typed, to show it again beside what was wrong. Nothing that cannot be shown."""
    names = ("name", "po_number", "note", "reason", "question", "wish")
    typed = {name: request.form[name] for name in names if name in request.form}
    return {name: text[:2000].encode("utf-8", "ignore").decode() for name, text in typed.items()}

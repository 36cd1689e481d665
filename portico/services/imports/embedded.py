"""Files inside files: strict base64, and names that are safe to save under."""

from __future__ import annotations

import base64
import binascii
import hashlib
import mimetypes
import re

from portico.records.content import Attachment

_MIME = re.compile(r"[a-z0-9.+-]+/[a-z0-9.+-]+")
_MOST_FILENAME = 150


def decoded(text: str) -> bytes | None:
    """The bytes of strict base64 (blanks aside), ``None`` where *text* is anything else."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def attachment(data: bytes, *, filename: str, mime: str, number: str) -> Attachment:
    """The description of *data* (BT-125); *number* names it where *filename* cannot."""
    mime = mime.lower() if _MIME.fullmatch(mime.lower()) else "application/octet-stream"
    return Attachment(
        filename=safe_filename(filename, number, mime),
        mime=mime[:500],
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )


def safe_filename(stated: str, number: str, mime: str) -> str:
    """A name without folders, controls and leading dots; made from *number* where none is left."""
    name = re.split(r"[/\\]", stated)[-1]
    name = "".join(c for c in name if c.isprintable() and c not in '<>:"|?*').strip(" .")
    if not name:
        stem = "".join(c if c.isalnum() or c in "-_." else "-" for c in number).strip("-.")
        name = (stem or "attachment")[:_MOST_FILENAME] + (mimetypes.guess_extension(mime) or "")
    if len(name) > _MOST_FILENAME:
        stem, dot, suffix = name.rpartition(".")
        keep = _MOST_FILENAME - len(dot + suffix)
        name = stem[:keep] + dot + suffix if dot and keep > 0 else name[:_MOST_FILENAME]
    return name

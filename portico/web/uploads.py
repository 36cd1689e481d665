"""Uploads: the few forms that may be as large as files are (spec W2, W4)."""

from __future__ import annotations

from typing import BinaryIO, cast

from flask import request

from portico.config import settings
from portico.refusals import BadInput

# Room for the other fields, and for a file that is a little too large: that one is refused at
# its field, where a body beyond all bounds is refused as a whole.
_BESIDE = 1024 * 1024


def allow(files: int = 1) -> None:
    """Let the form of this request hold so many of the largest files; before it is read."""
    request.max_content_length = files * settings().max_upload + _BESIDE


def one(field: str) -> tuple[BinaryIO, str] | None:
    """The file that was chosen, and its name; None where none was. Raises BadInput for several."""
    found = several(field)
    if len(found) > 1:
        raise BadInput({field: "Please choose one file."})
    return found[0] if found else None


def several(field: str) -> list[tuple[BinaryIO, str]]:
    """The files that were chosen, and their names."""
    return [
        (cast(BinaryIO, file.stream), file.filename or "")
        for file in request.files.getlist(field)
        if file.filename
    ]

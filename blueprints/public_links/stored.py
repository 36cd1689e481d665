"""``/files/<token>``: the bytes behind a signed address that a page just gave out (spec W2)."""

from __future__ import annotations

import logging

from flask import Response, send_file

from portico.files.names import content_disposition
from portico.files.store import LocalStore, NoSuchFile, opened
from portico.queries import files as queries
from portico.refusals import NotFound
from portico.services import files
from portico.web import limits

log = logging.getLogger(__name__)

# Nothing runs in it wherever it is opened, whatever it is.
_POLICY = "default-src 'none'; sandbox"
_HINT = "An address of a file works for two minutes. Please go back and click on it again."


def stored_file(token: str) -> Response:
    """Always as a download, and only while it may still be had. Needs no session: the address is
    signed. Raises NotFound."""
    signed = opened(token)
    file = queries.handed_out(*signed) if signed else None
    store = files.store()
    if file is None or not isinstance(store, LocalStore):
        limits.unknown_token("portal-public")
        raise NotFound(hint=_HINT)
    limits.known_link("portal-public", f"file-{file.id}")
    try:
        response = send_file(
            store.path(file.storage_key),
            mimetype="application/octet-stream",
            conditional=False,
            etag=False,
        )
    except (FileNotFoundError, NoSuchFile):
        log.error("the bytes of file %s are not there", file.id)
        raise NotFound(hint=_HINT) from None
    response.headers["Content-Disposition"] = content_disposition(file.name)
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Cache-Control"] = "no-store"
    return response

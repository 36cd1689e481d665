"""Forms without a cookie are guarded by where they come from (spec L12)."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes, urlsplit

from flask import request

from portico.db import current_tenant
from portico.refusals import BadInput, ForeignForm, WrongContentType

_FORM_TYPES = {"application/x-www-form-urlencoded", "multipart/form-data"}


def require_own_form() -> None:
    """Refuse a post that another site sent, that is no form, or that names a field twice.

    Sec-Fetch-Site decides where the browser sends it, else Origin; a post with neither is
    refused. Raises ForeignForm, WrongContentType, BadInput.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        own = site == "same-origin"
    else:
        origin = request.headers.get("Origin", "")
        own = origin in {request.host_url.rstrip("/"), _origin_of(current_tenant().public_url)}
    if not own:
        raise ForeignForm
    require_readable_form()


def require_readable_form(*lists: str) -> None:
    """Refuse a post that is no form, holds broken text, or names a field twice; the fields named
    in *lists* may come more than once. Raises WrongContentType, BadInput."""
    if request.mimetype and request.mimetype not in _FORM_TYPES:
        raise WrongContentType
    _require_text()
    if request.mimetype == "multipart/form-data" and not request.form and not request.files:
        raise BadInput({"form": "The form broke off on its way; nothing was changed."})
    for name in request.form:
        if name not in lists and len(request.form.getlist(name)) > 1:
            raise BadInput({"form": "One answer came twice in the same form; nothing was changed."})


def _require_text() -> None:
    """Werkzeug keeps bytes that are no UTF-8 as percent signs; nobody's name looks like that."""
    if request.mimetype == "multipart/form-data":
        return  # there such bytes become U+FFFD, which no field takes
    try:
        unquote_to_bytes(request.get_data(cache=True)).decode()
    except UnicodeDecodeError:
        raise BadInput(
            {"form": "The form holds characters that cannot be read; nothing was changed."}
        ) from None


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"

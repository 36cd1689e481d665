"""Forms without a cookie are guarded by where they come from (spec L12)."""

from __future__ import annotations

from urllib.parse import urlsplit

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
    if request.mimetype and request.mimetype not in _FORM_TYPES:
        raise WrongContentType
    for name in request.form:
        if len(request.form.getlist(name)) > 1:
            raise BadInput({"form": "One answer came twice in the same form; nothing was changed."})


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"

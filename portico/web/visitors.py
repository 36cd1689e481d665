"""What the log may know about who asked."""

from __future__ import annotations

from flask import request

from portico.services.activity import Visitor
from portico.web.limits import client_address


def visitor() -> Visitor:
    headers = request.headers
    hints = []
    if "Accept-Language" not in headers:
        hints.append("no-language")
    if headers.get("Sec-Fetch-Mode") == "navigate" or headers.get("HX-Request") == "true":
        hints.append("navigate")
    purpose = headers.get("Sec-Purpose") or headers.get("Purpose") or headers.get("X-Moz") or ""
    if "prefetch" in purpose or "preview" in purpose:
        hints.append("prefetch")
    return Visitor(client_address(), headers.get("User-Agent"), request.method, tuple(hints))

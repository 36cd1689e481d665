"""Refusals and accidents, turned into pages and parts once."""

from __future__ import annotations

import errno
import logging
import sqlite3
import sys
from types import TracebackType

from flask import Flask, Response, g, render_template, request, url_for
from redis.exceptions import RedisError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from portico.refusals import Busy, Refusal, TooMany
from portico.web.pages import harden

log = logging.getLogger("portico.errors")

_HTTP = {
    400: (
        "We could not read that",
        "Your browser sent something we could not read; nothing was changed.",
    ),
    404: ("Page not found", "There is nothing at this address."),
    405: ("That did not work", "This address does not take that kind of request."),
    413: ("That is too large", "What you sent is larger than we can take; nothing was changed."),
    415: (
        "We could not read that",
        "This address takes an ordinary web form; nothing was changed.",
    ),
}
_BUSY_ERRNOS = {
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EMFILE, errno.ENFILE, errno.EROFS,
}  # fmt: skip


def init_errors(app: Flask) -> None:
    app.register_error_handler(Refusal, _refused)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(OperationalError, _database_busy)
    app.register_error_handler(PoolTimeout, _database_busy)
    app.register_error_handler(sqlite3.OperationalError, _database_busy)
    app.register_error_handler(RedisError, _database_busy)  # where limits are counted
    app.register_error_handler(OSError, _system_busy)
    app.register_error_handler(500, _accident)
    app.log_exception = _log_exception  # type: ignore[method-assign]


def masked_path() -> str:
    """The path with any secret in it blotted out, for logs (spec L2)."""
    args = request.view_args or {}
    path = request.path
    token = args.get("token")
    if token:
        return path.replace(token, "…")
    return path if request.endpoint else "(unknown address)"


def _refused(refusal: Refusal) -> Response:
    response = _answer(refusal.status, refusal.title, refusal.sentence, refusal.hint)
    if isinstance(refusal, TooMany):
        response.headers["Retry-After"] = str(refusal.wait)
    if isinstance(refusal, Busy):
        response.headers["Retry-After"] = "30"
    return response


def _http(error: HTTPException) -> Response:
    if error.code is not None and 300 <= error.code < 400:
        return error.get_response()  # type: ignore[return-value]
    status = error.code or 500
    title, sentence = _HTTP.get(status, _HTTP[400])
    response = _answer(status, title, sentence, "")
    allow = error.get_response().headers.get("Allow")
    if allow:
        response.headers["Allow"] = allow
    return response


def _database_busy(error: Exception) -> Response:
    log.error("database not available on %s %s: %s", request.method, masked_path(), _cause(error))
    return _refused(Busy())


def _system_busy(error: OSError) -> Response:
    if error.errno not in _BUSY_ERRNOS:
        raise error
    log.error("no room on %s %s: %s", request.method, masked_path(), error.strerror)
    return _refused(Busy())


def _accident(_error: Exception) -> Response:
    return _answer(
        500,
        "Something went wrong on our side",
        "We have written down what happened. Your answer may not have been recorded.",
        "Please open the page again to see how things stand.",
    )


def _answer(status: int, title: str, sentence: str, hint: str) -> Response:
    part = request.headers.get("HX-Request") == "true"
    name = "errors/_part.html" if part else "errors/page.html"
    said = {"title": title, "sentence": sentence, "hint": hint, "status": status}
    response = Response(
        render_template(name, back=_way_back(), **said), status=status, mimetype="text/html"
    )
    response.headers["Vary"] = "HX-Request"
    return harden(response)


def _way_back() -> tuple[str, str] | None:
    """Where whom a gate let in can go on, and its name."""
    if "signed_in" in g:
        return url_for("customer_portal.dashboard"), "Back to your dashboard"
    if "staff" in g:
        return url_for("console.start"), "Back to the start"
    return None


def _cause(error: Exception) -> str:
    original = getattr(error, "orig", None)
    return str(original or error).splitlines()[0]


def _log_exception(
    exc_info: tuple[type[BaseException], BaseException, TracebackType | None]
    | tuple[None, None, None],
) -> None:
    """Flask would log the path, and with it the token."""
    log.error("unhandled error on %s %s", request.method, masked_path(), exc_info=exc_info)


def init_access_log(app: Flask) -> None:
    """One line a request on standard output, with secrets blotted out. The server's own stays off."""
    lines = logging.getLogger("portico.access")
    lines.setLevel(logging.INFO)
    lines.propagate = False
    if not lines.handlers:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        lines.addHandler(handler)

    @app.after_request
    def write(response: Response) -> Response:
        lines.info(
            '%s "%s %s" %s',
            request.remote_addr,
            request.method,
            masked_path(),
            response.status_code,
        )
        return response

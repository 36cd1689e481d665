"""T4: a cookie of one tenant is nothing to another, and stays on its host or path."""

from __future__ import annotations

from flask import session

ACME = "https://acme.portal.example"
BOLT = "https://portal.example"


def _cookie(app, base, path):
    """The session cookie that a request to *path* is given when it keeps something."""
    environ = {"portico.tenant_prefix": "bolt", "SCRIPT_NAME": "/t/bolt"} if base == BOLT else {}
    with app.test_request_context("/", base_url=base, environ_overrides=environ):
        session["who"] = "somebody"
        response = app.response_class()
        app.session_interface.save_session(app, session, response)
    return response.headers["Set-Cookie"]


def _opens(app, base, cookie):
    """What a request with this cookie finds in its session."""
    _, _, value = cookie.partition(";")[0].partition("=")
    environ = {"HTTP_COOKIE": f"__Host-portico={value}; portico_bolt={value}"}
    if base == BOLT:
        environ |= {"portico.tenant_prefix": "bolt", "SCRIPT_NAME": "/t/bolt"}
    with app.test_request_context("/", base_url=base, environ_overrides=environ) as context:
        opened = app.session_interface.open_session(app, context.request)
        return None if opened is None else opened.get("who")


def test_a_cookie_is_scoped_to_its_tenants_host_or_path(stage):
    at_host = _cookie(stage.app, ACME, "/")
    below_path = _cookie(stage.app, BOLT, "/t/bolt/")
    assert at_host.startswith("__Host-portico=")
    assert "Path=/;" in at_host + ";"
    assert below_path.startswith("portico_bolt=")
    assert "Path=/t/bolt/" in below_path
    for cookie in (at_host, below_path):
        assert "HttpOnly" in cookie
        assert "Secure" in cookie
        assert "SameSite=Lax" in cookie
        assert "Domain" not in cookie


def test_a_session_of_one_tenant_is_nothing_to_the_other(stage):
    cookies = {base: _cookie(stage.app, base, "/") for base in (ACME, BOLT)}
    assert _opens(stage.app, ACME, cookies[ACME]) == "somebody"
    assert _opens(stage.app, BOLT, cookies[BOLT]) == "somebody"
    assert _opens(stage.app, ACME, cookies[BOLT]) is None
    assert _opens(stage.app, BOLT, cookies[ACME]) is None

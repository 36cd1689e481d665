"""The one door for tenancy (spec T1): every request is bound to a tenant, or is a neutral 404."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, Request, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from itsdangerous import URLSafeTimedSerializer

from portico.db import BoundTenant, bind_tenant
from portico.refusals import NotFound
from portico.services.tenants import directory
from portico.web.sign_in import guard_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_PREFIX = "portico.tenant_prefix"


class TenantPrefix:
    """Moves ``/t/<slug>`` from the path into the script name, so that routes and URLs agree."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path.startswith("/t/"):
            slug, slash, rest = path[3:].partition("/")
            environ[_PREFIX] = slug
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + "/t/" + slug
            environ["PATH_INFO"] = slash + rest
        return self._app(environ, start_response)


def resolve(incoming: Request) -> BoundTenant | None:
    """Exact host, else sub-domain, else path prefix, else the one default tenant.

    A request that names one tenant by host and another by path belongs to neither.
    """
    tenants = directory()
    host = incoming.host.partition(":")[0].lower().rstrip(".")
    by_host = tenants.by_host(host)
    slug = incoming.environ.get(_PREFIX)
    if slug is not None:
        by_path = tenants.by_slug(slug)
        return by_path if by_host is None or by_host == by_path else None
    return by_host or tenants.default()


def bind_request() -> None:
    """The first hook of every request. Raises NotFound where no tenant is meant."""
    if request.endpoint == "static":
        return
    tenant = resolve(request)
    if tenant is None:
        raise NotFound(hint="")
    bind_tenant(tenant)


class TenantSessions(SecureCookieSessionInterface):
    """Cookies scoped to a tenant's host or path, and worthless at any other (spec T4).

    Flask opens the session before any hook runs, so the tenant is looked up here as well.
    """

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Only the portal and the console have sessions; link pages never look for one."""
        if not request.cookies or guard_of(request.path) is None:
            return self.session_class()
        return super().open_session(app, request)

    def get_cookie_name(self, app: Flask) -> str:
        """Each guard has a cookie of its own, and each tenant below a path too."""
        slug = self._slug()
        name = "_".join(filter(None, ("portico", guard_of(request.path), slug)))
        if not app.config["SESSION_COOKIE_SECURE"]:
            return name
        return f"__Secure-{name}" if slug else f"__Host-{name}"

    def get_cookie_path(self, app: Flask) -> str:
        slug = self._slug()
        return f"{request.script_root}/" if slug else "/"

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        tenant = resolve(request)
        if tenant is None:
            return None
        serializer: Any = super().get_signing_serializer(app)
        if serializer is not None:
            guard = guard_of(request.path)
            serializer.salt = f"{self.salt} {guard} {tenant.id} {tenant.slug}".encode()
        return serializer  # type: ignore[no-any-return]

    @staticmethod
    def _slug() -> str | None:
        slug: str | None = request.environ.get(_PREFIX)
        return slug

"""Between the WSGI server and the application: bounds, proxies, the tenant's prefix."""

from __future__ import annotations

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from portico.config import Config
from portico.web.tenancy import TenantPrefix


def configure(app: Flask, settings: Config) -> None:
    """Flask's own settings, from ours. Without keys (before set-up) only commands work."""
    app.config.update(
        SECRET_KEY=settings.secret_keys[0] if settings.secret_keys else None,
        SECRET_KEY_FALLBACKS=list(settings.secret_keys[1:]),
        MAX_CONTENT_LENGTH=settings.max_body,
        MAX_FORM_MEMORY_SIZE=settings.max_body,
        MAX_FORM_PARTS=100,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=not settings.demo,
        RATELIMIT_STORAGE_URI=settings.limits_url,
    )


def wrap(app: Flask, settings: Config) -> None:
    """Outermost last: the proxies' word on the client, then the tenant prefix, then the files."""
    app.wsgi_app = TenantPrefix(app.wsgi_app)  # type: ignore[method-assign]
    if settings.proxy_hops:
        hops = settings.proxy_hops
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops, x_prefix=0
        )

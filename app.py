"""Portico's entrance: what the application consists of, in the order it is put together."""

from __future__ import annotations

import gc

from flask import Flask

import models  # noqa: F401
from blueprints import console, customer_portal, demo_mail, public_links, quote_links
from portico import commands, config
from portico.db import init_databases
from portico.files.store import make_store
from portico.queries.tenants import Directory
from portico.services.activity import init_spool
from portico.web import assets, errors, pages, server, sign_in, tenancy
from portico.web.limits import init_limits
from portico.worker import init_queue


def create_app(settings: config.Config | None = None) -> Flask:
    """The application for one installation; settings come from the environment if not given."""
    settings = settings or config.load()
    app = Flask(__name__, static_folder=str(settings.instance / "static"))
    app.extensions["portico.config"] = settings
    server.configure(app, settings)

    app.before_request(tenancy.bind_request)
    app.session_interface = tenancy.TenantSessions()
    init_databases(app, settings.control_url)
    app.extensions["portico.directory"] = Directory()
    init_limits(app)
    sign_in.init_sign_in(app)
    init_spool(app)
    app.extensions["portico.files"] = make_store(settings)
    init_queue(app, settings)

    pages.init_pages(app)
    errors.init_errors(app)
    if settings.access_log:
        errors.init_access_log(app)

    app.register_blueprint(public_links.bp)
    app.register_blueprint(quote_links.bp)
    app.register_blueprint(customer_portal.bp)
    app.register_blueprint(console.bp)
    if settings.demo:
        app.register_blueprint(demo_mail.bp)
    commands.init_commands(app)

    assets.init_assets(app, settings.instance / "static")
    server.wrap(app, settings)
    return app


# All that was loaded stays until the end: no collection need look through it, not even the last.
gc.freeze()

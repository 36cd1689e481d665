"""The measure of the public page: a Flask view that renders the same template from constants.

No tenant, no database, no limits, no log, no headers: what Flask, Jinja and the server cost.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Flask, render_template

from portico.web import assets, pages

_ROOT = Path(__file__).resolve().parents[1]


def create(folder: Path, context: dict[str, Any]) -> Flask:
    """A bare application with one page; *context* is what one real page was rendered from."""
    app = Flask("bare", template_folder=str(_ROOT / "templates"), static_folder=str(folder))
    pages.init_pages(app)
    app.after_request_funcs.clear()
    assets.init_assets(app, folder)

    @app.get("/bare/<token>")
    def page(token: str) -> str:
        return render_template("public/document.html", **context)

    return app

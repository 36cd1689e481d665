"""Both applications on one server: Portico, and below ``/bare/`` the view it is measured by."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import template_rendered

from app import create_app
from benchmarks import bare
from portico import config

settings = config.load()
_portico = create_app(settings)


def _context_of_one_page() -> dict[str, Any]:
    path = (settings.instance / "links.txt").read_text().split("\n", 1)[0]
    seen: list[dict[str, Any]] = []

    def keep(_app: object, template: object, context: dict[str, Any], **_: object) -> None:
        seen.append(context)

    with template_rendered.connected_to(keep, _portico):
        answer = _portico.test_client().get(path)
    assert answer.status_code == 200, answer.status
    own = {"g", "request", "session", "current_user"}
    return {name: value for name, value in seen[0].items() if name not in own}


_bare = bare.create(settings.instance / "static", _context_of_one_page())


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    chosen = _bare if environ["PATH_INFO"].startswith("/bare/") else _portico
    return chosen.wsgi_app(environ, start_response)

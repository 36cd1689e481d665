"""Imports run one way, and only the doors know the request."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.guards.tree import Module, inside, modules

# From the doors down to the ground. A module may import its own floor and those below it.
FLOORS: tuple[tuple[str, ...], ...] = (
    ("app", "wsgi", "migrations"),
    ("blueprints", "portico.commands", "portico.worker"),
    ("portico.web",),
    ("portico.services", "portico.queries"),
    ("portico.mail", "portico.pdf", "portico.files"),
    ("portico.formats",),  # what people read: it knows the records' values, they not it
    ("models",),
    ("portico.records",),
    ("portico.db",),
    ("portico",),  # the ground: settings, clock, refusals and their like
)
# Processes of their own begin here, and each needs the application as the web server does.
START_THE_APPLICATION = ("portico/commands", "portico/worker.py")

REQUEST = {
    f"{module}.{name}"
    for module, names in {
        "flask": ("request", "session", "g"),
        "flask.globals": ("request", "session", "g", "request_ctx"),
        "flask_login": ("current_user",),
        "flask_login.utils": ("current_user",),
    }.items()
    for name in names
}
KNOW_THE_REQUEST = ("blueprints", "portico/web")
# The tenant of this moment is kept in g, whether a request, a job or a command set it.
TENANT_SLOT = ("portico/db.py", {"flask.g", "flask.globals.g"})


def floor(name: str) -> int | None:
    """The floor a dotted name lies on; the longest match decides. ``None``: not ours."""
    best = None
    longest = -1
    for number, rooms in enumerate(FLOORS):
        for room in rooms:
            if (name == room or name.startswith(f"{room}.")) and len(room) > longest:
                best, longest = number, len(room)
    return best


def own_name(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def upward_imports(module: Module) -> Iterator[str]:
    here = floor(own_name(module.path))
    for line, name in module.imports():
        if name in {"app", "app.create_app"} and inside(module.path, START_THE_APPLICATION):
            continue
        there = floor(name)
        if here is not None and there is not None and there < here:
            yield f"{module.path}:{line} imports {name}, which lies above it"


def request_below_the_doors(module: Module) -> Iterator[str]:
    if inside(module.path, KNOW_THE_REQUEST):
        return
    file, slot = TENANT_SLOT
    forbidden = REQUEST - slot if module.path == file else REQUEST
    for line, name in sorted({*module.imports(), *module.mentions()}):
        for known in forbidden:
            if name == known or name.startswith(f"{known}."):
                yield f"{module.path}:{line} uses {known}; pass what is needed as an argument"


def test_imports_run_one_way():
    assert [offence for module in modules() for offence in upward_imports(module)] == []


def test_only_the_doors_know_the_request():
    assert [offence for module in modules() for offence in request_below_the_doors(module)] == []


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("portico/db.py", "from portico.records import link"),
        ("portico/records/link.py", "import portico.mail.quote"),
        ("portico/records/link.py", "from ..services import links"),
        ("portico/records/link.py", "import models"),
        ("portico/pdf/render.py", "from portico.services.documents import find"),
        ("portico/queries/lists.py", "from portico import web"),
        ("portico/services/links.py", "def late():\n    from portico.web import pages"),
        ("portico/web/pages.py", "from blueprints.console import bp"),
        ("portico/clock.py", "from .db import session"),
        ("blueprints/api/views.py", "from app import create_app"),
    ],
)
def test_the_guard_sees_an_import_that_climbs(path, line):
    assert list(upward_imports(Module(path, line)))


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("blueprints/api/views.py", "from portico.services import links"),
        ("portico/worker.py", "from app import create_app\nfrom portico.mail import quote"),
        ("portico/services/links.py", "from portico.queries import lists\nimport sqlalchemy"),
        ("portico/records/link.py", "from portico.db import Record\nfrom .customer import C"),
        ("models.py", "from portico.records.link import Link"),
        ("migrations/tenant/env.py", "import models\nfrom portico.db import metadata"),
    ],
)
def test_the_guard_lets_an_import_that_descends_pass(path, line):
    assert list(upward_imports(Module(path, line))) == []


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("portico/services/links.py", "from flask import current_app, g"),
        ("portico/queries/lists.py", "import flask\ndef f(): return flask.request.args"),
        ("portico/db.py", "from flask import request"),
        ("portico/records/link.py", "from flask_login import current_user as actor"),
        ("app.py", "from flask import session"),
    ],
)
def test_the_guard_sees_a_request_below_the_doors(path, line):
    assert list(request_below_the_doors(Module(path, line)))


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("portico/db.py", "from flask import g, current_app\ng.tenant = None"),
        ("blueprints/api/views.py", "from flask import request"),
        ("portico/web/limits.py", "from flask_login import current_user"),
        ("portico/services/links.py", "from portico.db import session\nsession.add(1)"),
    ],
)
def test_the_guard_lets_the_doors_know_the_request(path, line):
    assert list(request_below_the_doors(Module(path, line))) == []

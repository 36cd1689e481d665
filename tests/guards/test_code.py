"""House rules on Python that a machine can judge."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

import pytest

from tests.guards.tree import Module, files, modules

CLOCKS = {
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.datetime.today",
    "datetime.date.today",
    "time.time",
    "time.time_ns",
    "time.gmtime",
    "time.localtime",
    # The database's clock cannot be moved by a test, and SQLite's has no zone.
    "sqlalchemy.func.now",
    "sqlalchemy.func.current_timestamp",
    "sqlalchemy.sql.func.now",
    "sqlalchemy.sql.func.current_timestamp",
}
ENVIRONMENT = {"os.environ", "os.environb", "os.getenv", "os.getenvb", "os.putenv"}

# Loops that outlive any one failure, each with what it must survive. Everything else lets
# surprises through to the error page, the exit code or the worker's log.
OUTERMOST = {
    "portico/worker.py": "a job that fails must not stop those behind it",
    "portico/services/delivery.py": "a message that cannot be made must not hold up the others",
}
# Names under which things collect that have no home. A better name says what it does.
ATTICS = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}


def other_clocks(module: Module) -> Iterator[str]:
    if module.path == "portico/clock.py":
        return
    for line, name in module.mentions():
        if name in CLOCKS:
            yield f"{module.path}:{line} uses {name}; ask portico.clock"


def settings_read_elsewhere(module: Module) -> Iterator[str]:
    if module.path == "portico/config.py":
        return
    for line, name in {*module.imports(), *module.mentions()}:
        if any(name == known or name.startswith(f"{known}.") for known in ENVIRONMENT):
            yield f"{module.path}:{line} uses {name}; portico.config reads the settings"


def commits(module: Module) -> Iterator[str]:
    """``.commit()`` and ``session.begin()`` anywhere but in ``unit_of_work``.

    A receiver that is called ``connection`` is let through: a plain database connection (the
    limits' own file, a migration) is nobody's unit of work.
    """
    allowed: set[int] = set()
    if module.path == "portico/db.py":
        for function in ast.walk(module.tree):
            if isinstance(function, ast.FunctionDef) and function.name == "unit_of_work":
                allowed.update(id(node) for node in ast.walk(function))
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Attribute) or id(node) in allowed:
            continue
        receiver = node.value.func if isinstance(node.value, ast.Call) else node.value
        name = receiver.attr if isinstance(receiver, ast.Attribute) else getattr(receiver, "id", "")
        if node.attr == "commit" and name != "connection":
            yield f"{module.path}:{node.lineno} commits; only unit_of_work does"
        elif node.attr == "begin" and "session" in name.lower():
            yield f"{module.path}:{node.lineno} begins a session's transaction; use unit_of_work"


def catches_everything(module: Module) -> Iterator[str]:
    if module.path in OUTERMOST:
        return
    too_wide = {"Exception", "BaseException"}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ExceptHandler):
            caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            wide = any(c is None or (isinstance(c, ast.Name) and c.id in too_wide) for c in caught)
            # Clearing up and raising again hides nothing.
            last = node.body[-1]
            if wide and not (isinstance(last, ast.Raise) and last.exc is None):
                yield f"{module.path}:{node.lineno} catches everything; name what may go wrong"
        elif (
            isinstance(node, ast.Call)
            and module.dotted(node.func) == "contextlib.suppress"
            and any(isinstance(arg, ast.Name) and arg.id in too_wide for arg in node.args)
        ):
            yield f"{module.path}:{node.lineno} suppresses everything; name what may go wrong"


def vague_classes(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef) and re.search(r"Manager$|^Base\w*Service$", node.name):
            yield f"{module.path}:{node.lineno} {node.name}: say what it does instead"


def attic(path: str) -> bool:
    name = PurePosixPath(path)
    return name.suffix == ".py" and not ATTICS.isdisjoint({name.stem, *name.parts[:-1]})


RULES = {
    other_clocks: [
        "from datetime import datetime\nx = datetime.now()",
        "import datetime as dt\nx = dt.datetime.utcnow()",
        "from datetime import date as day\ncolumn(default=day.today)",
        "import time\nx = time.time()",
        "from time import time\nx = time()",
        "from sqlalchemy import func\nx = func.now()",
    ],
    settings_read_elsewhere: [
        "import os\nx = os.environ['HOME']",
        "from os import getenv",
        "import os as system\nx = system.environ.get('A')",
    ],
    commits: [
        "from portico.db import session\nsession.commit()",
        "def save(db): db.session.commit()",
        "make_session().commit()",
        "def unit_of_work(s): s.commit()",  # only the one in portico/db.py is meant
        "with db.session.begin(): pass",
    ],
    catches_everything: [
        "try: pass\nexcept Exception: pass",
        "try: pass\nexcept: pass",
        "try: pass\nexcept (ValueError, BaseException) as e: raise OSError from e",
        "from contextlib import suppress\nwith suppress(Exception): pass",
    ],
    vague_classes: [
        "class LinkManager: pass",
        "class BaseLinkService: pass",
        "class BaseService: 1",
    ],
}
FINE = {
    other_clocks: "from portico import clock\nimport time\nclock.now()\ntime.monotonic()\nx.now()",
    settings_read_elsewhere: "import os\nos.path.join('a', 'b')\nenviron = {}\nenviron.get('a')",
    commits: "from portico.db import unit_of_work\nwith unit_of_work() as s: s.add(1)\n"
    "connection.commit()",
    catches_everything: "try: pass\nexcept Exception:\n    undo()\n    raise\n"
    "try: pass\nexcept (ValueError, KeyError): pass",
    vague_classes: "class LinkSender: pass\nclass Base: pass\nclass ManagerOfFunds: pass",
}


@pytest.mark.parametrize("rule", RULES)
def test_the_house_keeps_its_rules(rule: Callable[[Module], Iterator[str]]):
    assert [offence for module in modules() for offence in rule(module)] == []


@pytest.mark.parametrize(
    ("rule", "snippet"), [(rule, snippet) for rule, bad in RULES.items() for snippet in bad]
)
def test_the_rule_sees_an_offence(rule, snippet):
    assert list(rule(Module("portico/services/links.py", snippet)))


@pytest.mark.parametrize("rule", RULES)
def test_the_rule_lets_good_code_pass(rule):
    assert list(rule(Module("portico/services/links.py", FINE[rule]))) == []


def test_unit_of_work_may_commit_in_its_own_file_alone():
    body = "def unit_of_work(s):\n    s.commit()\n"
    assert list(commits(Module("portico/db.py", body))) == []
    assert list(commits(Module("portico/db.py", body + "def other(s):\n    s.commit()\n")))


def test_nothing_lies_in_an_attic():
    assert [path for path in files() if attic(path)] == []


@pytest.mark.parametrize("path", ["portico/utils.py", "tests/helpers.py", "portico/common/x.py"])
def test_the_rule_sees_an_attic(path):
    assert attic(path)
    assert not attic("portico/formats.py")

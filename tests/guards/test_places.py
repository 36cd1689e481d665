"""Files belong to everybody: they name no machine they were written on, and no index."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.guards.tree import files, read

# Where people, containers and build machines keep checkouts. A path below one of these works
# for whoever wrote it, and for nobody else.
SOMEBODYS = ("home", "Users", "root", "work", "workspace", "builds")
PATHS = re.compile(
    r"(?:(?<![\w.~/})>\]-])|file://)/(?:" + "|".join(SOMEBODYS) + r")/[\w.-]",
)
# Everybody installs from the index their own machine is set up for; hashes vouch for the files.
# The pattern is in pieces, or this very file would offend.
_SETTINGS = ("index" + "-url", "find" + "-links", "trusted" + "-host")
INDEXES = re.compile("|".join((*_SETTINGS, *(s.upper().replace("-", "_") for s in _SETTINGS))))
LOCKS = ("requirements.txt", "requirements-dev.txt")
# uv is told to forget such settings before it writes the locks.
MAY_NAME_INDEX_SETTINGS = {"Makefile": re.compile(r"^\t@unset (?:UV_\w+ ?)+;")}


def places(path: str, text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), 1):
        if PATHS.search(line):
            yield f"{path}:{number} names a folder of somebody's machine"
        excuse = MAY_NAME_INDEX_SETTINGS.get(path)
        if INDEXES.search(line) and not (excuse and excuse.search(line)):
            yield f"{path}:{number} names a package index"


def addresses(path: str, text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), 1):
        if "://" in line or " @ " in line:
            yield f"{path}:{number} says where to download from"


def pins(text: str) -> dict[str, str]:
    """Version and marker of each package in a lock, by name."""
    found = re.findall(r"^([\w.-]+)==([^\\\n]+?) *\\?$", text, re.M)
    return {f"{name} {rest.partition(';')[2].strip()}": rest for name, rest in found}


def unhashed(text: str) -> list[str]:
    return re.findall(r"^(\w[^\n]*[^\\\n])$", text, re.M)


def test_no_file_names_a_machine_or_an_index():
    assert [offence for path in files() for offence in places(path, read(path) or "")] == []


@pytest.mark.parametrize("path", LOCKS)
def test_locks_hold_hashes_and_no_addresses(path):
    text = read(path)
    assert text
    assert list(addresses(path, text)) == []
    assert unhashed(text) == []


def test_the_tests_run_what_is_shipped():
    shipped, tested = (pins(read(path) or "") for path in LOCKS)
    assert shipped
    assert {name: tested.get(name) for name in shipped} == shipped


@pytest.mark.parametrize("place", SOMEBODYS)
def test_the_guard_sees_a_machine(place):
    assert list(places("docs/install.md", f"cd /{place}/ana/portico"))
    assert list(places("docs/install.md", f'path = "/{place}/portico"'))
    assert list(places("docs/install.md", f"see [it](file:///{place}/portico)"))
    assert list(places("docs/install.md", f"https://example.com/{place}/portico")) == []
    assert list(places("docs/install.md", f"static/{place}/a.css and {{}}/{place}/b")) == []


@pytest.mark.parametrize("setting", ["--{0}-url", "--extra-{0}-url", "PIP_{1}_URL", "UV_{1}_URL"])
def test_the_guard_sees_an_index(setting):
    assert list(places("Makefile", "pip install " + setting.format("index", "INDEX") + " x"))
    assert list(places("requirements.in", "--find" + "-links wheels"))
    assert list(places("portico/services/links.py", "links.find" + "_links(customer)")) == []


def test_the_guard_sees_an_address_in_a_lock():
    assert list(addresses("requirements.txt", "flask @ file.whl"))
    assert list(addresses("requirements.txt", "flask==3 # from https://example.com/flask"))


def test_the_guard_sees_a_pin_without_hash():
    assert unhashed("flask==3.1\n    # via x\n") == ["flask==3.1"]
    assert unhashed("flask==3.1 \\\n    --hash=sha256:00\n") == []
    assert pins("flask==3.1 ; sys_platform == 'win32' \\\n") != pins("flask==3.1 \\\n")

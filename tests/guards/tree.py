"""What the guards read: the files of this checkout, and Python's names with their imports."""

from __future__ import annotations

import ast
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[2]
_PASSED_OVER = {".git", ".venv", ".cache", "__pycache__", "instance", "var", "node_modules"}


@cache
def files() -> tuple[str, ...]:
    """Every file that is, or could be, under version control, as a path from the top."""
    if shutil.which("git") and (ROOT / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if listed.returncode == 0:
            paths = sorted(set(filter(None, listed.stdout.split("\0"))))
            return tuple(path for path in paths if (ROOT / path).is_file())
    found = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
    return tuple(sorted(p.as_posix() for p in found if _PASSED_OVER.isdisjoint(p.parts)))


def read(path: str) -> str | None:
    """The text of a file, or ``None`` where it is none (an image, a font)."""
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def modules(*, but: tuple[str, ...] = ()) -> Iterator[Module]:
    """Every Python file of the product. *but* names files and folders to pass over."""
    for path in files():
        if path.endswith(".py") and not inside(path, ("tests", "benchmarks", *but)):
            yield Module(path, read(path) or "")


def inside(path: str, places: tuple[str, ...]) -> bool:
    """Whether *path* is one of *places*, or lies below one."""
    return any(path == place or path.startswith(f"{place}/") for place in places)


class Module:
    """One Python file, parsed, that knows where its names come from."""

    def __init__(self, path: str, source: str) -> None:
        self.path = path
        self.tree = ast.parse(source, path)

    @cached_property
    def package(self) -> tuple[str, ...]:
        return PurePosixPath(self.path).parent.parts

    def imports(self) -> Iterator[tuple[int, str]]:
        """Line and dotted name of everything imported: ``from a import b`` gives ``a.b``."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield node.lineno, alias.name
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    yield node.lineno, f"{self._source_of(node)}.{alias.name}"

    def mentions(self) -> Iterator[tuple[int, str]]:
        """Line and full dotted name of every use of something imported.

        ``from datetime import datetime as d; d.now`` gives ``datetime.datetime.now``, called or
        merely handed on.
        """
        inner = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Attribute):
                inner.add(id(node.value))
            if isinstance(node, ast.Name | ast.Attribute) and id(node) not in inner:
                name = self._dotted(node)
                if name is not None:
                    yield node.lineno, name

    def dotted(self, node: ast.AST) -> str | None:
        """The full dotted name of an expression, if it is one made of imported names."""
        return self._dotted(node)

    @cached_property
    def _origin(self) -> dict[str, str]:
        origin = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    local = alias.asname or alias.name.partition(".")[0]
                    origin[local] = alias.name if alias.asname else local
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    origin[alias.asname or alias.name] = f"{self._source_of(node)}.{alias.name}"
        return origin

    def _source_of(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        above = self.package[: len(self.package) - (node.level - 1)]
        return ".".join((*above, node.module) if node.module else above)

    def _dotted(self, node: ast.AST) -> str | None:
        if isinstance(node, ast.Name):
            return self._origin.get(node.id)
        if isinstance(node, ast.Attribute):
            base = self._dotted(node.value)
            return base and f"{base}.{node.attr}"
        return None

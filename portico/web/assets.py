"""Static files under names that carry their hash, precompressed, served for a year."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from flask import Flask, request
from whitenoise import WhiteNoise
from whitenoise.compress import Compressor

_SOURCE = Path(__file__).resolve().parents[2] / "static"
_SERVED = {".css", ".js", ".svg", ".png", ".ico"}


def init_assets(app: Flask, folder: Path) -> None:
    """Lay hashed copies of ``static/`` into *folder* and serve them under ``/static/``."""
    names: dict[str, str] = {}
    folder.mkdir(parents=True, exist_ok=True)
    for source in sorted(_SOURCE.iterdir()):
        if source.suffix not in _SERVED:
            continue
        content = source.read_bytes()
        digest = hashlib.sha256(content).hexdigest()[:12]
        target = folder / f"{source.stem}.{digest}{source.suffix}"
        names[source.name] = target.name
        if not target.exists():
            _lay(target, content)

    served = WhiteNoise(
        app.wsgi_app,
        root=str(folder),
        prefix="static/",
        max_age=31_536_000,
        immutable_file_test=lambda path, url: True,
        add_headers_function=_harden,
    )
    app.wsgi_app = served  # type: ignore[method-assign]

    def asset(name: str) -> str:
        """The URL of a static file; an unknown name is a programmer's mistake and raises."""
        return f"{request.script_root}/static/{names[name]}"

    app.jinja_env.globals["asset"] = asset


def _lay(target: Path, content: bytes) -> None:
    """Write, compress, then put in place, so that no process serves half a file."""
    draft = target.with_name(f".{os.getpid()}-{target.name}")
    draft.write_bytes(content)
    for compressed in Compressor(quiet=True, use_brotli=False).compress(str(draft)):
        os.replace(compressed, target.with_name(target.name + Path(compressed).suffix))
    os.replace(draft, target)


def _harden(headers: object, path: str, url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"  # type: ignore[index]

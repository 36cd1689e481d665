"""File names for downloads: any character a number may hold is safe here (spec L5)."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

_LONGEST = 100
_UNSAFE_ASCII = re.compile(r"[^A-Za-z0-9._]+")
# What file systems or shells give a meaning; controls and format characters go by category.
_UNSAFE = re.compile(r'[\s/\\:*?"<>|%;\'`$&]+')


def safe_filename(kind: str, number: str) -> str:
    """An ASCII name such as ``quote-Q-2026-0142.pdf``; never empty, hidden or a path."""
    text = unicodedata.normalize("NFKD", f"{kind}-{number}")
    text = text.encode("ascii", "ignore").decode()
    return _trimmed(_UNSAFE_ASCII.sub("-", text)) + ".pdf"


def content_disposition(kind: str, number: str, *, inline: bool = False) -> str:
    """The header value: the ASCII name, and the true one as ``filename*`` (RFC 6266) if other."""
    ascii_name = safe_filename(kind, number)
    text = unicodedata.normalize("NFC", f"{kind}-{number}")
    text = "".join(char if unicodedata.category(char)[0] != "C" else " " for char in text)
    true_name = _trimmed(_UNSAFE.sub("-", text)) + ".pdf"
    value = f'{"inline" if inline else "attachment"}; filename="{ascii_name}"'
    if true_name != ascii_name:
        value += f"; filename*=UTF-8''{quote(true_name, safe='')}"
    return value


def _trimmed(name: str) -> str:
    name = re.sub(r"\.{2,}", ".", re.sub(r"-{2,}", "-", name))
    return name.strip("-._")[:_LONGEST].strip("-._") or "document"

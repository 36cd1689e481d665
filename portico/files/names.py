"""File names that are safe in a header and on any disk (spec L5)."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

_UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f\\/:*?"<>|\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]')


def safe_name(text: str) -> str:
    """*text* as a file name: no path, no control or direction marks, at most 120 characters."""
    text = text.encode("utf-8", "ignore").decode()
    cleaned = " ".join(_UNSAFE.sub("-", unicodedata.normalize("NFC", text)).split()).strip(". -")
    stem, dot, suffix = cleaned.rpartition(".")
    if dot and len(suffix) <= 8:
        return f"{stem[:110].rstrip('. ') or 'document'}.{suffix}"
    return cleaned[:120] or "document"


def content_disposition(name: str) -> str:
    """Always a download; an ASCII name for old clients and the real one for the rest (RFC 6266)."""
    name = safe_name(name)
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9 ._()-]", "-", plain).strip(". -") or "document"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"

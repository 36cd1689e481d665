"""File names for downloads: any character a number may hold is safe here (spec L5)."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

_LONGEST = 100
_UNSAFE_ASCII = re.compile(r"[^A-Za-z0-9._]+")
# What file systems or shells give a meaning; controls and format characters go by category.
_UNSAFE = re.compile(r'[\s/\\:*?"<>|%;\'`$&]+')
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}\Z")
_LONGEST_SHOWN = 150
_JOINERS = "\u200c\u200d"  # Persian words and families of emoji need them


def shown_name(text: str) -> str:
    """The name of a file somebody sent, as people read it: the last part of any path, on one
    line, without control or direction marks, its suffix kept. Empty where nothing is left."""
    last = re.split(r"[/\\]", text)[-1][-10 * _LONGEST_SHOWN :]
    fit = "".join(
        char if char in _JOINERS or unicodedata.category(char)[0] != "C" else " "
        for char in unicodedata.normalize("NFC", last)
    )
    stem, suffix = _split(" ".join(fit.split()).strip(". "))
    return stem[:_LONGEST_SHOWN].rstrip() + suffix


def safe_name(text: str) -> str:
    """*text* as a file name in its own script: no path, no control or direction marks."""
    stem, suffix = _split(unicodedata.normalize("NFC", text))
    stem = "".join(char if unicodedata.category(char)[0] != "C" else " " for char in stem)
    return _trimmed(_UNSAFE.sub("-", stem)) + suffix


def ascii_name(text: str) -> str:
    """*text* as a plain ASCII name such as ``quote-Q-2026-0142.pdf``; never empty or hidden."""
    stem, suffix = _split(text)
    stem = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    return _trimmed(_UNSAFE_ASCII.sub("-", stem)) + suffix


def content_disposition(name: str) -> str:
    """Always a download: the ASCII name, and the true one as ``filename*`` (RFC 6266) if other."""
    plain, true = ascii_name(name), safe_name(name)
    value = f'attachment; filename="{plain}"'
    return value if plain == true else f"{value}; filename*=UTF-8''{quote(true, safe='')}"


def _split(text: str) -> tuple[str, str]:
    suffix = _SUFFIX.search(text)
    return (text[: suffix.start()], suffix.group()) if suffix else (text, "")


def _trimmed(name: str) -> str:
    name = re.sub(r"\.{2,}", ".", re.sub(r"-{2,}", "-", name))
    return name.strip("-._")[:_LONGEST].strip("-._") or "document"

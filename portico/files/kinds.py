"""What a file is, judged by what is in it and never by its name alone (spec W2)."""

from __future__ import annotations

import re
import unicodedata

import puremagic

from portico.refusals import BadInput

# Enough of a file to know it by.
HEAD = 8192
_OCTETS = "application/octet-stream"
_OLE = "application/x-ole-storage"  # older office files, and newer ones with a password

# Names that promise something, and what may be inside.
_PROMISES: dict[str, tuple[str, ...]] = {
    "pdf": ("application/pdf",),
    "png": ("image/png",),
    "jpg": ("image/jpeg",),
    "jpeg": ("image/jpeg",),
    "gif": ("image/gif",),
    "webp": ("image/webp",),
    "tif": ("image/tiff",),
    "tiff": ("image/tiff",),
    "zip": ("application/zip",),
    "docx": ("application/zip", _OLE),
    "xlsx": ("application/zip", _OLE),
    "pptx": ("application/zip", _OLE),
    "odt": ("application/zip",),
    "ods": ("application/zip",),
    "txt": ("text/plain",),
    "csv": ("text/plain",),
}
_BY_NAME = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "csv": "text/csv",
}
_SIGNS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"II+\x00", "image/tiff"),
    (b"MM\x00+", "image/tiff"),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
    (b"PK\x07\x08", "application/zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _OLE),
)
_PDF_WITHIN = 1024  # readers look for its sign that far in; scanners put things before it
_PROGRAMS = (
    b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"#!",
)  # fmt: skip
# What a browser passes over, and what it then takes for a page or a drawing with scripts.
_PASSED_OVER = ((b"<!--", b"-->"), (b"<?", b"?>"))
_ACTIVE = re.compile(
    rb"<(?:!doctype\s+(?:html|svg)|(?:\w+:)?(?:html|head|title|meta|link|base|body|frameset|script|"
    rb"style|svg|iframe|object|embed|img|form))(?![\w-])",
    re.IGNORECASE,
)
_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_PROGRAM_NAMES = frozenset(
    {"exe", "com", "scr", "bat", "cmd", "msi", "js", "mjs", "jse", "vbs", "vbe", "wsf", "ps1", "sh",
     "jar", "app", "html", "htm", "xhtml", "xht", "shtml", "mhtml", "mht", "svg", "svgz", "hta",
     "lnk", "url", "php", "py", "pif", "cpl", "reg", "msp", "vb", "ws", "wsh", "wsc", "sct", "scf",
     "chm", "psm1"}
)  # fmt: skip
_CONTROLS = re.compile(rb"[\x01-\x08\x0e-\x19]")


def judge(head: bytes, name: str) -> str:
    """The media type of a file that begins with *head*. Raises BadInput naming ``file``: programs,
    web pages and drawings with scripts are not taken, nor what is not what its name says."""
    suffix = _suffix(name)
    if suffix in _PROGRAM_NAMES or _is_program(head) or _is_page(head):
        raise BadInput({"file": "Programs and web pages cannot be sent here. A PDF or ZIP can."})
    found = _by_content(head)
    promised = _PROMISES.get(suffix)
    if promised is not None and found not in promised:
        raise BadInput({"file": f"This file is named .{suffix}, but it is something else inside."})
    return _BY_NAME.get(suffix, found)


def _suffix(name: str) -> str:
    """As the plainest reader of a name takes it: wide and decorated letters are plain ones."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return plain.rpartition(".")[2].lower() if "." in plain else ""


def _is_program(head: bytes) -> bool:
    """A table may begin with "MZ" too, but holds no zeros."""
    return head.startswith(_PROGRAMS) or (head.startswith(b"MZ") and b"\0" in head[:64])


def _is_page(head: bytes) -> bool:
    """Whatever its encoding: without zeros, UTF-16 and UTF-32 look as ASCII does here."""
    for mark in _BYTE_ORDER_MARKS:
        head = head.removeprefix(mark)
    rest = head.replace(b"\0", b"").lstrip()
    while end := next((end for start, end in _PASSED_OVER if rest.startswith(start)), None):
        rest = rest.partition(end)[2].lstrip()
    return _ACTIVE.match(rest) is not None


def _by_content(head: bytes) -> str:
    for sign, media_type in _SIGNS:
        if head.startswith(sign):
            return media_type
    if b"%PDF-" in head[:_PDF_WITHIN]:
        return "application/pdf"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if _is_text(head):
        return "text/plain"
    try:
        matches = puremagic.magic_string(head)
    except puremagic.PureError:
        return _OCTETS
    best = matches[0].mime_type if matches else ""
    return best if re.fullmatch(r"[a-z]+/[A-Za-z0-9.+-]{1,100}", best) else _OCTETS


def _is_text(head: bytes) -> bool:
    """Text in any encoding has no control characters; only UTF-16, which says so, has zeros."""
    if head[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return True
    return b"\0" not in head and not _CONTROLS.search(head)

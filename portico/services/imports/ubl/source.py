"""Bytes to an XML tree, from strangers: no DTD, no entities, no network, bounded in every way."""

from __future__ import annotations

import re
from typing import Any

# This and element.py are the only modules that touch it.
from lxml import etree

from portico.services.imports.refusals import BadFile, Problem, quoted

MOST_BYTES = 20 * 1024 * 1024
MOST_ELEMENTS = 1_000_000
DEEPEST = 60

# What is not XML, by how it begins.
_OTHER_FORMATS = (
    (b"%PDF", "This is a PDF. Please export the document as UBL XML and import that."),
    (b"PK\x03\x04", "This is a ZIP or Office file. Please unpack it and import the XML inside."),
    (b"\x1f\x8b", "This file is compressed with gzip. Please unpack it first."),
    (b"\xd0\xcf\x11\xe0", "This is an Office file. Please export the document as UBL XML."),
    (b"\x89PNG", "This is a picture. Please export the document as UBL XML."),
    (b"\xff\xd8\xff", "This is a picture. Please export the document as UBL XML."),
    (b"{", "This looks like JSON, not XML. JSON files have an import of their own."),
    (b"[", "This looks like JSON, not XML. JSON files have an import of their own."),
)
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
# Encodings a business document comes in. libxml2 knows more, and some of those (UTF-7, EBCDIC)
# only ever serve to hide what a file says from those who look at its bytes.
_ENCODINGS = re.compile(
    r"utf-?8|utf-?16(le|be)?|(us-)?ascii|iso-?8859-?\d{1,2}|latin-?\d|windows-125\d|cp125\d", re.I
)


class _Guard:
    """A parser target that builds nothing and stops at what must not be parsed for real."""

    def __init__(self) -> None:
        self.depth = self.elements = 0

    def doctype(self, *_: object) -> None:
        raise _Stop("The file has a DOCTYPE, which business documents do not need. Remove it.")

    def start(self, tag: str, attributes: object) -> None:
        self.depth += 1
        self.elements += 1
        if self.depth > DEEPEST:
            raise _Stop(f"The elements are nested more than {DEEPEST} deep.")
        if self.elements > MOST_ELEMENTS:
            raise _Stop(f"The file has more than {MOST_ELEMENTS:,} elements.")

    def end(self, tag: str) -> None:
        self.depth -= 1

    def close(self) -> None:
        pass


class _Stop(Exception):
    pass


def parse(data: bytes, most_bytes: int = MOST_BYTES) -> Any:
    """The root element of *data*. Raises BadFile for anything but small, plain, whole XML."""
    _refuse_other_formats(data, most_bytes)
    try:
        etree.fromstring(data, _parser(_Guard()))
        root = etree.fromstring(data, _parser())
    except _Stop as stop:
        raise BadFile([Problem(str(stop))]) from None
    except etree.XMLSyntaxError as error:
        raise BadFile([_syntax(error)]) from None
    except ValueError as error:  # an encoding declared that Python or libxml2 cannot take up
        raise BadFile([Problem(f"The file is not XML that can be read: {error}.")]) from None
    encoding = root.getroottree().docinfo.encoding or "UTF-8"
    if not _ENCODINGS.fullmatch(encoding):
        sentence = f"The encoding {quoted(encoding)} is not taken. Please save it as UTF-8."
        raise BadFile([Problem(sentence, line=1)])
    return root


def _parser(target: _Guard | None = None) -> Any:
    parser: Any = etree.XMLParser  # lxml's own stubs know no target that may be None
    return parser(
        target=target,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
        strip_cdata=True,
    )


def _refuse_other_formats(data: bytes, most_bytes: int) -> None:
    if len(data) > most_bytes:
        sentence = (
            f"The file is {len(data) / 2**20:.1f} MB; at most {most_bytes / 2**20:.1f} MB fit."
        )
        raise BadFile([Problem(sentence)])
    start = data[:1024]
    for mark in _MARKS:
        start = start.removeprefix(mark)
    start = start.lstrip()
    if not start.strip(b"\0"):
        raise BadFile([Problem("The file is empty.")])
    for beginning, sentence in _OTHER_FORMATS:
        if start.startswith(beginning):
            raise BadFile([Problem(sentence)])
    if start[:14].lower().startswith((b"<!doctype html", b"<html")):
        raise BadFile([Problem("This is a web page, not a business document in UBL XML.")])
    if b"<" not in start:
        raise BadFile([Problem("This is not an XML file.", line=1)])


def _syntax(error: Any) -> Problem:
    line, column = error.position or (None, None)
    reason = re.sub(r", line \d+, column \d+.*", "", error.msg or "it ends too early", flags=re.S)
    if "undeclared" in reason or "Entity '" in reason:
        reason += " (only &amp; &lt; &gt; &quot; &apos; and numbers stand for characters in XML)"
    where = f" at column {column}" if column else ""
    sentence = f"The file is not well-formed XML{where}: {quoted_reason(reason)}."
    return Problem(sentence, line=line or None)


def quoted_reason(reason: str) -> str:
    """libxml2's own words, which may repeat bytes of the file, made fit for a sentence."""
    plain = "".join(c if c.isprintable() else " " for c in reason)
    return " ".join(plain.split())[:300].rstrip(".")

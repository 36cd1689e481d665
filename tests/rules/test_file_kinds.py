"""W2: what a file is, by what is in it; and the names that people see."""

from __future__ import annotations

import io
import zipfile

import pytest

from portico.files.kinds import judge
from portico.files.names import content_disposition, shown_name
from portico.refusals import BadInput


def _zip(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "<xml/>")
    return out.getvalue()


PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0"
SVG = b'<?xml version="1.0"?>\n<!-- drawn -->\n<svg xmlns="http://www.w3.org/2000/svg"/>'


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("plan.pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"),
        ("scan.pdf", b"\xef\xbb\xbf\r\n%PDF-1.4\n"),
        ("photo.png", PNG),
        ("photo.JPG", JPEG),
        ("letter.docx", _zip("[Content_Types].xml", "word/document.xml")),
        ("locked.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100)),
        ("sums.xlsx", _zip("[Content_Types].xml", "xl/workbook.xml")),
        ("all.zip", _zip("a.txt")),
        ("none.zip", b"PK\x05\x06" + bytes(18)),
        ("gruesse.txt", "Grüße aus Ås".encode("latin-1")),
        ("gruesse.txt", "Grüße aus Ås".encode("utf-16")),
        ("cut.txt", ("ü" * 4100).encode()[:8191]),
        ("prices.csv", b"MZ-Nr;Text\r\n1;<b>oak</b>\r\n"),
        ("notes.txt", b"How to write <html> and <script> in a page."),
        ("invoice.xml", b'<?xml version="1.0"?><Invoice xmlns="urn:x"/>'),
        ("boat.dwg", b"AC1032\0\0\0\0\0\x01" + bytes(range(256))),
        ("unknown", bytes(range(256)) * 4),
    ],
)
def test_honest_files_are_taken(name, head):
    assert judge(head, name)


@pytest.mark.parametrize(
    "head",
    [
        b"<html><script>alert(1)</script>",
        b" \r\n\t<!DOCTYPE  html>",
        b"\xef\xbb\xbf<HTML>",
        b"<!-- %PDF-1.4 --><body onload=x>",
        b"<script>%PDF-1.4",
        SVG,
        b"<svg:svg xmlns:svg='x'>",
        "<html>".encode("utf-16"),
        "\ufeff <html>".encode("utf-16-be"),
        "<html>".encode("utf-16-le"),
        b"\x7fELF\x02",
        b"MZ\x90\0\x03\0\0\0",
        b"#!/bin/sh\n",
    ],
)
@pytest.mark.parametrize("name", ["plan.pdf", "plan.txt", "plan.png", "plan", "plan.html"])
def test_pages_and_programs_are_not_taken_under_any_name(name, head):
    with pytest.raises(BadInput):
        judge(head, name)


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("photo.png", b"%PDF-1.7"),
        ("plan.pdf", PNG),
        ("plan.pdf", b"plain words"),
        ("letter.docx", JPEG),
        ("notes.txt", bytes(range(256))),
        ("drawing.svg", b"plain words"),
        ("setup.exe", b"plain words"),
        ("setup.ＥＸＥ", b"plain words"),
        ("drawing.\u017fvg", b"plain words"),
    ],
)
def test_what_is_not_what_its_name_says_is_not_taken(name, head):
    with pytest.raises(BadInput):
        judge(head, name)


@pytest.mark.parametrize("piece", [b"<!--", b"<?", b"<!-- -->", b" ", b"<", b"\0", b"<a:"])
def test_judging_takes_no_longer_for_what_is_made_to_take_long(piece):
    assert judge((piece * 8192)[:8192], "x")


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("Kitchen plan (v2).pdf", "Kitchen plan (v2).pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\y.pdf", "y.pdf"),
        ("a\r\nSet-Cookie: b.pdf", "a Set-Cookie: b.pdf"),
        ("a\0b.pdf", "a b.pdf"),
        ("invoice\u202efdp.exe", "invoice fdp.exe"),
        ("setup.exe. ", "setup.exe"),
        ("\ud800.pdf", "pdf"),
        ("نامه\u200cای.pdf", "نامه\u200cای.pdf"),
        ("x" * 10_000 + ".pdf", "x" * 150 + ".pdf"),
        ("..", ""),
        ("", ""),
    ],
)
def test_the_name_people_see(sent, shown):
    assert shown_name(sent) == shown
    header = content_disposition(shown)
    assert header.startswith("attachment; filename=")
    assert header.isascii()
    assert header.isprintable()

"""L5: the document as PDF, under a name that any system takes."""

from __future__ import annotations

import io

import pytest
from pypdf import PdfReader

from portico.records.content import Kind
from tests.cast import MARIT


def _text(data: bytes) -> str:
    return " ".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)


def test_the_outsider_downloads_nothing(stage):
    quote = stage.acme.document(MARIT)
    assert stage.acme.copy(quote)
    assert stage.visitor().get(f"{stage.acme.public_url}/i/{'A' * 43}/pdf").status == 404


def test_the_pdf_says_what_the_page_says(both):
    link = both.acme.copy(both.acme.document(MARIT))
    answer = both.visitor().get(f"{link}/pdf")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/pdf"
    assert 'filename="quote-Q-2041.pdf"' in answer.headers["Content-Disposition"]
    assert answer.headers["Content-Disposition"].startswith("attachment")
    text = _text(answer.data)
    for expected in ("Q-2041", "6,227.85", "Oak floor", "Fjordhus AS", "Halden of Acme"):
        assert expected in text


def test_the_worker_makes_it_before_the_first_click(stage):
    quote = stage.acme.document(MARIT, Kind.INVOICE)
    stage.acme.send(quote, MARIT)
    stage.work()
    before = stage.acme.dump()
    kept = stage.acme.kept_pdfs()
    assert kept == 1
    answer = stage.visitor().get(f"{stage.link_to(MARIT)}/pdf")
    assert "INV-1007" in _text(answer.data)
    assert stage.acme.kept_pdfs() == kept
    assert stage.acme.dump() == before


@pytest.mark.parametrize(
    "number",
    ['a/b\\c:d*e?f"g<h>i|j', "..", "../../etc/passwd", "Nr. 7\u00a0ä東\U0001f600", "; rm -rf", "x" * 400, "CON", "%0d%0aX: y"],
)  # fmt: skip
def test_any_number_makes_a_safe_name(stage, number):
    quote = stage.acme.document(MARIT, number=number)
    link = stage.acme.copy(quote)
    answer = stage.visitor().get(f"{link}/pdf")
    assert answer.status == 200
    disposition = answer.headers["Content-Disposition"]
    name = disposition.partition('filename="')[2].partition('"')[0]
    assert name.isascii()
    assert name.endswith(".pdf")
    assert not set(name) & set('/\\:*?"<>|\r\n')
    assert len(name) < 256
    assert "X" not in answer.headers

"""The paper on the page shows everything a content holds (spec I1, L16)."""

from __future__ import annotations

import datetime as dt
import html
import re
from types import SimpleNamespace

import pytest
from flask import Flask, render_template

from portico.records.content import DocumentContent, Kind, StatementBody
from portico.web.pages import init_pages
from tests.filled import Filled

ORG = SimpleNamespace(locale="en_GB", timezone="UTC", direction="ltr")


def markup(content: DocumentContent) -> str:
    app = Flask("sheet", template_folder="../../templates", root_path=__file__.rpartition("/")[0])
    init_pages(app)
    with app.test_request_context():
        return render_template("public/_sheet.html", org=ORG, content=content)


def sheet(content: DocumentContent) -> str:
    return re.sub(r"\s+", "", html.unescape(re.sub(r"<[^>]+>", " ", markup(content))))


def paper(**changes: object) -> DocumentContent:
    """Three lines and nothing rare."""
    tax = {"code": "S", "percent": "25", "scheme": "VAT"}
    lines = [
        {"id": str(number), "name": name, "quantity": "2", "price": "50", "amount": "100",
         "tax_categories": [tax]}
        for number, name in enumerate(("Treads", "Handrail", "Fitting"), 1)
    ]  # fmt: skip
    values: dict[str, object] = {
        "kind": "quote",
        "number": "Q-1",
        "currency": "EUR",
        "issued_on": "2026-11-12",
        "seller": {"name": "Halden Joinery"},
        "buyer": {"name": "Fjordhus AS", "address": {"city": "Trondheim", "country": "NO"}},
        "lines": lines,
        "taxes": [{"category": tax, "taxable": "300", "amount": "75"}],
        "totals": {"lines": 30000, "net": 30000, "tax": 7500, "gross": 37500, "payable": 37500},
    }
    return DocumentContent.model_validate(values | changes)


def test_nothing_a_content_holds_is_missing_on_the_page():
    filled = Filled()
    content = DocumentContent.model_validate(filled.part(DocumentContent, ""))
    text = sheet(content)
    missing = {
        path
        for path, said in filled.printed.items()
        if re.sub(r"\s+", "", said) not in text
        and not (said.isdigit() and f"{int(said):,}" in text)
    }
    # The number stands in the page's head; sums of items with items of their own are shown by item.
    assert missing - {".number", ".totals.allowances", ".totals.charges"} == set()


def test_a_statement_shows_opening_movements_and_closing():
    filled = Filled()
    plain = DocumentContent.model_validate(filled.part(DocumentContent, ""))
    body = StatementBody.model_validate(
        {
            "period": {"start": "2026-10-01", "end": "2026-10-31"},
            "opening": 10_000,
            "entries": [
                {"on": dt.date(2026, 10, 5), "kind": "Invoice", "number": "INV-1",
                 "amount": 2_500, "balance": 12_500}
            ],
            "closing": 12_500,
            "ageing": [{"label": "1-30 days", "amount": 12_500}],
        }
    )  # fmt: skip
    content = plain.model_copy(update={"kind": Kind.STATEMENT, "statement": body, "lines": ()})
    text = sheet(content)
    for said in ("100.00", "INV-1", "25.00", "125.00", "1-30days"):
        assert said in text


def test_a_usual_paper_says_nothing_twice():
    text = sheet(paper())
    assert text.endswith("Net300.00VAT25%75.00Total€375.00")
    assert "Trondheim,Norway" in text
    assert "No." not in text
    assert "Details" not in text


def test_a_line_that_is_a_part_names_what_it_is_a_part_of():
    plain = paper().model_dump(mode="json")
    lines = plain["lines"]
    lines.insert(1, {**lines[0], "id": "1.1", "parent": "1", "name": "Nosing"})
    content = DocumentContent.model_validate(plain)
    assert markup(content).count('<tr role="row" class="part">') == 1
    text = sheet(content)
    assert "Nosing" + "No.1.1·Partofno.1" in text
    assert "HandrailNo.2" in text  # the second by number, the third by place


@pytest.mark.parametrize("address", ["https://halden.example/a?b=1", "HTTP://halden.example"])
def test_an_address_on_the_web_is_a_link_that_tells_nothing(address):
    content = paper(references=[{"type": "document", "id": "A", "uri": address}])
    assert f'<a href="{address}" rel="noreferrer noopener nofollow">{address}</a>' in markup(
        content
    )


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "data:text/html,x", "ftp://halden.example", "//halden.example",
     "mailto:a@halden.example", "java\nscript:x//http://", "www.halden.example"],
)  # fmt: skip
def test_any_other_address_is_only_text(address):
    seller = {"name": "Halden Joinery", "website": address}
    content = paper(seller=seller, references=[{"type": "document", "id": "A", "uri": address}])
    assert "<a" not in markup(content)
    assert sheet(content).count(re.sub(r"\s+", "", address)) == 2


def test_what_a_page_is_made_of_is_escaped():
    evil = "<b>x</b>"
    changes = {
        "other_parties": [{"role": evil, "party": {"name": evil, "website": f'http://"{evil}'}}],
        "details": [{"name": evil, "value": evil}],
        "prepayments": [{"id": evil, "amount": "1", "reference": evil}],
        "deliveries": [{"party": evil, "contact": {"name": evil}, "terms": [evil]}],
        "references": [{"type": evil, "id": evil, "uri": f'https://"{evil}'}],
    }
    text = markup(paper(**changes))
    assert "<b>" not in text
    assert 'http://"' not in text
    assert 'https://"' not in text

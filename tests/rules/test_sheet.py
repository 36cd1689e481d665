"""The paper on the page shows everything a content holds (spec I1, L16)."""

from __future__ import annotations

import datetime as dt
import html
import re
from types import SimpleNamespace

from flask import Flask, render_template

from portico.records.content import DocumentContent, Kind, StatementBody
from portico.web.pages import init_pages
from tests.filled import Filled

ORG = SimpleNamespace(locale="en_GB", timezone="UTC", direction="ltr")


def sheet(content: DocumentContent) -> str:
    app = Flask("sheet", template_folder="../../templates", root_path=__file__.rpartition("/")[0])
    init_pages(app)
    with app.test_request_context():
        markup = render_template("public/_sheet.html", org=ORG, content=content)
    return re.sub(r"\s+", "", html.unescape(re.sub(r"<[^>]+>", " ", markup)))


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

"""A quote of nobody's, to show a design with before there is a document (spec C7)."""

from __future__ import annotations

import datetime as dt

from portico.records.content import DocumentContent, Kind


def quote(seller: str, today: dt.date) -> DocumentContent:
    """Three lines and their tax, issued *today*."""
    tax = {"code": "S", "percent": "20", "scheme": "VAT"}
    lines = (
        ("Oak table, oiled", "1", "1480.00", "1480.00"),
        ("Chair with a woven seat", "6", "215.00", "1290.00"),
        ("Delivery and assembly", "1", "130.00", "130.00"),
    )
    return DocumentContent.model_validate(
        {
            "kind": Kind.QUOTE,
            "number": "SAMPLE-1",
            "title": "A table for the long room",
            "currency": "EUR",
            "issued_on": today,
            "valid_until": today + dt.timedelta(days=30),
            "seller": {"name": seller},
            "buyer": {"name": "A customer of yours"},
            "lines": [
                {"name": name, "quantity": quantity, "price": price, "amount": amount,
                 "tax_categories": [tax]}
                for name, quantity, price, amount in lines
            ],
            "taxes": [{"category": tax, "taxable": "2900.00", "amount": "580.00"}],
            "totals": {"net": 290_000, "tax": 58_000, "gross": 348_000, "payable": 348_000},
            "notes": ["This is a sample. It was sent to nobody."],
        }
    )  # fmt: skip

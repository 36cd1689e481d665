"""The demonstration's papers and money: every kind and state, several currencies, one life each."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from portico.records.content import Kind, digits_of
from portico.records.payment import PaymentKind

# description, second line, quantity, unit, price
Row = tuple[str, str, str, str, str]

_SELLERS: dict[str, dict[str, Any]] = {
    "halden": {
        "name": "Halden Joinery",
        "address": {"lines": ["Verkstedveien 8"], "postal_code": "7042", "city": "Trondheim",
                    "country": "NO"},
        "tax_ids": [{"value": "NO999888777MVA", "scheme": "VAT"}],
    },
    "brightwater": {
        "name": "Brightwater Studio",
        "address": {"lines": ["14 Quay Street"], "postal_code": "BS1 4TT", "city": "Bristol",
                    "country": "GB"},
        "tax_ids": [{"value": "GB123456789", "scheme": "VAT"}],
    },
}  # fmt: skip
_BUYERS: dict[str, dict[str, Any]] = {
    "10021": {"name": "Fjordhus AS", "address": {"lines": ["Storgata 12"], "postal_code": "7010",
                                                 "city": "Trondheim", "country": "NO"}},
    "10034": {"name": "Solvik Borettslag", "address": {"lines": ["Solvikveien 3"],
              "postal_code": "7024", "city": "Trondheim", "country": "NO"}},
    "10040": {"name": "Café Nordlys", "address": {"lines": ["Kaigata 1"], "postal_code": "7011",
                                                  "city": "Trondheim", "country": "NO"}},
    "T-7": {"name": "Kitamura Tea Co. 北村茶舗", "address": {"lines": ["寺町通二条上ル"],
            "postal_code": "604-0915", "city": "京都市", "country": "JP"}},
    "T-9": {"name": "Al Noor Trading", "address": {"lines": ["Block 4, Street 12"],
            "city": "Kuwait City", "country": "KW"}},
    "T-12": {"name": "Harbour Books", "address": {"lines": ["2 Welsh Back"],
             "postal_code": "BS1 4SP", "city": "Bristol", "country": "GB"}},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Paper:
    """One document and what becomes of it. ``ending`` is an answer or ``void``."""

    organization: str
    customer: str
    kind: Kind
    number: str
    days_ago: int
    rows: tuple[Row, ...]
    tax: str = "25"
    currency: str = "EUR"
    runs: int = 30  # days it is valid or until it is due
    sent: bool = True
    draft: bool = False
    seen: bool = False
    revised: tuple[Row, ...] = ()
    ending: str = ""
    message: str = ""
    reference: str = ""
    terms: str = ""
    note: str = ""
    po: str = ""
    talk: tuple[tuple[str, str], ...] = ()

    def as_json(self, day: dt.date, *, revised: bool = False) -> dict[str, Any]:
        """The JSON form of the paper, with sums that hold."""
        content: dict[str, Any] = {
            "kind": self.kind.value,
            "number": self.number,
            "currency": self.currency,
            "issued_on": day.isoformat(),
            "seller": _SELLERS[self.organization],
            "buyer": _BUYERS[self.customer],
        }
        last = (day + dt.timedelta(days=self.runs)).isoformat()
        if self.kind is Kind.QUOTE:
            content["valid_until"] = last
        elif self.kind is Kind.INVOICE:
            content["due_on"] = last
        if self.reference:
            content["buyer_reference"] = self.reference
        if self.terms:
            content["terms"] = [self.terms]
        if self.kind is Kind.INVOICE:
            content["payment_means"] = [{"name": "Credit transfer", "reference": self.number}]
        content |= self._lines(self.revised if revised else self.rows)
        return content | {"customer": {"external_id": self.customer}}

    def _lines(self, rows: tuple[Row, ...]) -> dict[str, Any]:
        digits = digits_of(self.currency)
        unit = Decimal(1).scaleb(-digits)
        amounts = [(Decimal(row[2]) * Decimal(row[4])).quantize(unit) for row in rows]
        net = sum(amounts, Decimal(0))
        tax = (net * Decimal(self.tax) / 100).quantize(unit)
        category = {"code": "S" if self.tax != "0" else "Z", "percent": self.tax, "scheme": "VAT"}
        lines = [
            {
                "name": name,
                **({"description": more} if more else {}),
                "quantity": quantity,
                "unit": unit_code,
                "price": price,
                "amount": str(amount),
                "tax_categories": [category],
            }
            for (name, more, quantity, unit_code, price), amount in zip(rows, amounts, strict=True)
        ]
        taxes = [{"category": category, "taxable": str(net), "amount": str(tax)}]
        minor = {"lines": net, "net": net, "tax": tax, "gross": net + tax, "payable": net + tax}
        totals = {name: int(value.scaleb(digits)) for name, value in minor.items()}
        return {"lines": lines, "taxes": taxes, "totals": totals}


@dataclass(frozen=True, slots=True)
class Receipt:
    """Money that came in or went back, and what it settles: side, number and amount."""

    organization: str
    customer: str
    number: str
    days_ago: int
    amount: str
    settles: tuple[tuple[str, str, str], ...] = ()
    kind: PaymentKind = PaymentKind.PAYMENT
    currency: str = "EUR"
    method: str = "Bank transfer"
    reference: str = ""

    def as_json(self, day: dt.date) -> dict[str, Any]:
        """The JSON form of the payment."""
        return {
            "kind": self.kind.value,
            "number": self.number,
            "customer": {"external_id": self.customer},
            "currency": self.currency,
            "amount": self.amount,
            "received_on": day.isoformat(),
            "method": self.method,
            "reference": self.reference,
            "allocations": [
                {side: number, "amount": amount} for side, number, amount in self.settles
            ],
        }


@dataclass(frozen=True, slots=True)
class Applied:
    """A part of a credit note, in minor units, put towards an invoice."""

    organization: str
    credit_note: str
    invoice: str
    days_ago: int
    amount: int


_STAIRS: tuple[Row, ...] = (
    ("Oak treads, 42 mm, oiled", "Kiln-dried, cut to drawing B-3", "14", "C62", "185.00"),
    ("Handrail, steamed ash", "Continuous, 6.2 m", "1", "C62", "1240.00"),
    ("Fitting on site", "", "16", "HUR", "72.00"),
)
_WINDOWS: tuple[Row, ...] = (
    ("Window, pine, triple glazed", "1200 × 1400 mm", "6", "C62", "890.00"),
    ("Removal of the old frames", "", "9", "HUR", "64.00"),
)
_COUNTER: tuple[Row, ...] = (
    ("Counter in birch plywood", "3.4 m, rounded front", "1", "C62", "2380.00"),
    ("Shelf brackets, brass", "", "12", "C62", "14.496"),
)
_IDENTITY: tuple[Row, ...] = (
    ("Visual identity", "Logo, colours, type; two rounds", "1", "C62", "4200.00"),
    ("Packaging for three teas", "", "3", "C62", "950.00"),
)
_TEA: tuple[Row, ...] = (
    ("ロゴデザイン", "Logo design, two rounds", "1", "C62", "480000"),
    ("パッケージ", "Packaging, per tea", "3", "C62", "95000"),
)
_GULF: tuple[Row, ...] = (
    ("Catalogue, 48 pages", "Arabic and English", "1", "C62", "1250.750"),
    ("Photography", "", "2.5", "DAY", "310.500"),
)
_BRACKETS: tuple[Row, ...] = (("Shelf brackets, returned", "", "6", "C62", "16.00"),)
_SHOP: tuple[Row, ...] = (("Window display", "Autumn list", "1", "C62", "640.00"),)

PAPERS: tuple[Paper, ...] = (
    Paper("halden", "10021", Kind.QUOTE, "Q-2026-0142", 9, _STAIRS, runs=18, seen=True,
          reference="Boathouse stairs",
          terms="30% on acceptance, balance 14 days after fitting. "
                "Delivery five weeks after acceptance.",
          message="Here is the quote for the boathouse stairs, as we walked it through on site.",
          talk=(("Can the treads be delivered unoiled? We would oil them ourselves.",
                 "Yes, gladly. It saves you 20.00 a tread; tell us and we send a new version."),)),
    Paper("halden", "10021", Kind.QUOTE, "Q-2026-0151", 4, _WINDOWS, runs=30,
          reference="Gable windows"),
    Paper("halden", "10034", Kind.QUOTE, "Q-2026-0139", 28, _WINDOWS, runs=30, seen=True,
          message="A reminder will follow before it runs out."),
    Paper("halden", "10040", Kind.QUOTE, "Q-2026-0118", 45, _COUNTER, runs=30, seen=True),
    Paper("halden", "10034", Kind.QUOTE, "Q-2026-0147", 6, _STAIRS, runs=30, seen=True,
          revised=(_STAIRS[0], ("Handrail, ash", "Continuous, 6.2 m", "1", "C62", "980.00"),
                   ("Fitting on site", "", "14", "HUR", "72.00"))),
    Paper("halden", "10021", Kind.QUOTE, "Q-2026-0105", 62, _COUNTER, seen=True, ending="accepted",
          po="PO-7781", note="Please call before delivery."),
    Paper("halden", "10034", Kind.QUOTE, "Q-2026-0099", 70, _WINDOWS, seen=True, ending="declined",
          note="The board decided to wait a year."),
    Paper("halden", "10040", Kind.QUOTE, "Q-2026-0121", 40, _COUNTER, ending="by phone"),
    Paper("halden", "10040", Kind.QUOTE, "Q-2026-0110", 55, _STAIRS, ending="void"),
    Paper("halden", "10021", Kind.QUOTE, "Q-2026-0155", 1, _COUNTER, sent=False, draft=True),
    Paper("halden", "10021", Kind.INVOICE, "INV-1070", 50, _COUNTER, runs=14, seen=True),
    Paper("halden", "10021", Kind.INVOICE, "INV-1083", 33, _SHOP, runs=14, seen=True),
    Paper("halden", "10021", Kind.INVOICE, "INV-1091", 7, _STAIRS, runs=14, seen=True,
          reference="Boathouse stairs, first part"),
    Paper("halden", "10034", Kind.INVOICE, "INV-1094", 12, _WINDOWS, runs=30),
    Paper("halden", "10040", Kind.INVOICE, "INV-1060", 58, _SHOP, runs=14, ending="void"),
    Paper("halden", "10034", Kind.INVOICE, "INV-1099", 0, _SHOP, sent=False),
    Paper("halden", "10021", Kind.SALES_ORDER, "SO-311", 60, _COUNTER),
    Paper("halden", "10040", Kind.SALES_RECEIPT, "SR-88", 20, _SHOP),
    Paper("halden", "10040", Kind.REFUND_RECEIPT, "RR-12", 15, _SHOP),
    Paper("halden", "10021", Kind.CREDIT_NOTE, "CN-41", 30, _BRACKETS),
    Paper("brightwater", "T-7", Kind.QUOTE, "BW-Q-204", 5, _TEA, tax="10", currency="JPY", runs=21),
    Paper("brightwater", "T-7", Kind.INVOICE, "BW-1201", 16, _TEA, tax="10", currency="JPY",
          seen=True),
    Paper("brightwater", "T-9", Kind.QUOTE, "BW-Q-207", 3, _GULF, tax="0", currency="KWD", runs=14),
    Paper("brightwater", "T-9", Kind.INVOICE, "BW-1198", 40, _GULF, tax="0", currency="KWD",
          runs=20),
    Paper("brightwater", "T-12", Kind.QUOTE, "BW-Q-201", 8, _IDENTITY, tax="20", currency="GBP",
          seen=True, ending="accepted"),
    Paper("brightwater", "T-12", Kind.INVOICE, "BW-1204", 2, _SHOP, tax="20", currency="GBP"),
)  # fmt: skip

RECEIPTS: tuple[Receipt, ...] = (
    Receipt("halden", "10021", "PAY-501", 40, "3192.44", (("invoice", "INV-1070", "3192.44"),),
            reference="INV-1070"),
    Receipt("halden", "10021", "PAY-506", 20, "300.00", reference="Second transfer by mistake"),
    Receipt("halden", "10021", "REF-21", 15, "300.00", (("payment", "PAY-506", "300.00"),),
            kind=PaymentKind.REFUND, reference="Your transfer of 300.00"),
    Receipt("halden", "10021", "PAY-512", 5, "500.00", reference="On account, boathouse"),
    Receipt("halden", "10034", "PAY-509", 6, "3697.50", (("invoice", "INV-1094", "3697.50"),),
            reference="First half"),
    Receipt("brightwater", "T-7", "BW-P-31", 8, "400000", (("invoice", "BW-1201", "400000"),),
            currency="JPY"),
)  # fmt: skip
CREDITS: tuple[Applied, ...] = (Applied("halden", "CN-41", "INV-1083", 27, 60_00),)

"""What the editor makes adds up, whatever is typed; and what it cannot keep it says."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from portico.records.content import MOST, DocumentContent, Kind, Party, from_minor
from portico.refusals import BadInput
from portico.services import numbering
from portico.services.demo_papers import PAPERS
from portico.services.imports.checks import check_sums
from portico.services.typed_papers import (
    TypedLine,
    TypedPaper,
    content_of,
    count_typed,
    lost_by_editing,
    typed_of,
)
from tests.cast import MARIT, content_for

US, THEM = Party(name="Us"), Party(name="Them")


def paper(*lines: TypedLine, **values: str) -> TypedPaper:
    typed = {"number": "INV-1", "issued_on": "2026-03-02", "currency": "EUR", **values}
    return TypedPaper(**typed, lines=lines)


def line(quantity: str, price: str, tax: str = "25", **more: str) -> TypedLine:
    return TypedLine("Oak", quantity=quantity, price=price, tax=tax, **more)


def made(typed: TypedPaper, **options: Any) -> DocumentContent:
    return content_of(Kind.INVOICE, typed, US, THEM, **options)


def wrong(typed: TypedPaper) -> dict[str, str]:
    with pytest.raises(BadInput) as refused:
        made(typed)
    return refused.value.errors


# --- sums -------------------------------------------------------------------------------------


def test_lines_are_rounded_each_and_tax_once_for_each_rate():
    content = made(paper(line("3", "0.333"), line("1", "0.104"), line("1", "100", "0.0"),
                         line("-1", "0.50", ""), TypedLine(quantity="1", tax="25")))  # fmt: skip
    assert [one.amount for one in content.lines] == ["1", "0.1", "100", "-0.5"]
    assert [(one.category.code, one.category.percent, one.taxable, one.amount)
            for one in content.taxes] == [("S", "25", "1.1", "0.28"), ("Z", "0", "100", "0")]  # fmt: skip
    assert content.totals.model_dump(exclude_none=True) == {
        "lines": 10060, "net": 10060, "tax": 28, "gross": 10088, "payable": 10088,
    }  # fmt: skip
    assert content.lines[3].tax_categories == ()


_NUMBERS = st.decimals("-50", "9999", places=6).map(lambda n: format(n, "f"))
_LINES = st.lists(
    st.builds(
        line,
        st.one_of(_NUMBERS, st.sampled_from(["1", "0", "2.5", "1000000"])),
        st.decimals("0", "99999", places=4).map(lambda n: format(n, "f")),
        st.sampled_from(["", "0", "5.5", "7", "19", "25", "25.00", "99.9999"]),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=200, deadline=None)
@given(_LINES, st.sampled_from(["EUR", "JPY", "KWD", "CLF"]))
def test_whatever_the_editor_makes_has_no_warning_and_shows_the_sums_it_stores(lines, currency):
    typed = paper(*lines, currency=currency)
    shown = count_typed(typed)
    assert shown is not None
    assume(shown.gross >= 0 and abs(shown.net) <= from_minor(MOST, currency))
    content = made(typed)
    assert check_sums(content) == []
    assert [Decimal(one.amount or 0) for one in content.lines] == list(shown.amounts)
    totals = content.totals
    assert totals.net is not None
    assert totals.tax is not None
    assert from_minor(totals.net, currency) == shown.net == sum(a for a in shown.amounts if a)
    assert from_minor(totals.tax, currency) == shown.tax == sum(one.amount for one in shown.taxes)
    assert totals.payable == totals.gross == totals.net + totals.tax
    # What was stored fills the form again, and saving that changes nothing.
    assert made(typed_of(content), base=content) == content
    assert lost_by_editing(content) == []


# --- what is wrong is said where it is --------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 501}, "name"),
        ({"name": "a\u202eb"}, "name"),
        ({"note": "x" * 10_001}, "note"),
        ({"unit": "x" * 101}, "unit"),
        ({"quantity": ""}, "quantity"),
        ({"quantity": "1,500"}, "quantity"),
        ({"quantity": "٣"}, "quantity"),
        ({"quantity": "1" * 10_000}, "quantity"),
        ({"price": "-1"}, "price"),
        ({"price": "1e9"}, "price"),
        ({"price": "NaN"}, "price"),
        ({"quantity": "999999999", "price": "999999999999"}, "price"),
        ({"tax": "101"}, "tax"),
        ({"tax": "25%"}, "tax"),
    ],
)
def test_a_wrong_field_of_a_line_is_named(changes, field):
    bad = replace(line("1", "10"), **changes)
    if not changes.get("name", "x"):
        assert made(paper(line("1", "10"), replace(bad, price=""))).lines  # blank: left out
    assert set(wrong(paper(line("1", "10"), TypedLine(), bad))) == {f"lines.2.{field}"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"number": " "}, "number"),
        ({"number": "x" * 101}, "number"),
        ({"title": "x" * 501}, "title"),
        ({"issued_on": "2.3.2026"}, "issued_on"),
        ({"issued_on": "0001-01-01"}, "issued_on"),
        ({"last_day": "2026-03-01"}, "last_day"),
        ({"last_day": "9999-12-31"}, "last_day"),
        ({"currency": "EURO"}, "currency"),
        ({"address": "x" * 501}, "address"),
        ({"notes": "x" * 10_001}, "notes"),
        ({"terms": "\ud800"}, "terms"),
    ],
)
def test_a_wrong_field_of_the_paper_is_named(changes, field):
    assert set(wrong(paper(line("1", "10"), **changes))) == {field}


def test_there_are_lines_and_not_too_many_and_they_come_to_something():
    assert set(wrong(paper())) == set(wrong(paper(TypedLine(quantity="1")))) == {"lines"}
    assert "200" in wrong(paper(*[line("1", "1")] * 201))["lines"]
    assert "credit note" in wrong(paper(line("-1", "1")))["lines"]
    assert made(paper(*[line("1", "1")] * 200)).totals.payable == 25_000
    many = wrong(paper(line("x", "y", "z"), number="", currency="?"))
    assert set(many) == {"number", "currency", *(f"lines.0.{n}" for n in ("quantity", "price", "tax"))}  # fmt: skip


# --- what came by import ----------------------------------------------------------------------


def test_a_simple_paper_is_edited_and_keeps_what_the_form_does_not_know():
    exempt = {"code": "AE", "percent": "0", "scheme": "VAT", "exemption_reason": "Reverse charge"}
    content = content_for(
        MARIT,
        Kind.INVOICE,
        buyer_reference="PO-1",
        details=({"name": "Site", "value": "Boathouse"},),
        payment_means=({"name": "Credit transfer", "reference": "INV-1007"},),
        buyer={"name": "Fjordhus AS", "address": {"lines": ["Storgata 12"], "city": "Trondheim"}},
        notes=["One.", "Two."],
        lines=[{"id": "A", "name": "Oak", "quantity": "2", "price": "5", "amount": "10",
                "tax_categories": [exempt]}],
        taxes=[{"category": exempt, "taxable": "10", "amount": "0"}],
        totals={"net": 1000, "tax": 0, "gross": 1000, "payable": 1000},
    )  # fmt: skip
    assert lost_by_editing(content) == []
    typed = typed_of(content)
    assert typed.address == "Storgata 12\nTrondheim"
    again = content_of(
        Kind.INVOICE,
        replace(typed, lines=(*typed.lines, line("1", "5", "0"))),
        content.seller,
        content.buyer,
        base=content,
    )
    assert again.totals.payable == 1500
    assert {one.tax_categories for one in again.lines} == {content.lines[0].tax_categories}
    lines = {"lines", "taxes", "totals"}
    assert again.model_dump(exclude=lines) == content.model_dump(exclude=lines)
    moved = content_of(
        Kind.INVOICE, replace(typed, address="Kaigata 1"), US, content.buyer, base=content
    )
    assert moved.buyer.address is not None
    assert moved.buyer.address.lines == ("Kaigata 1",)


@pytest.mark.parametrize(
    "changes",
    [
        {"allowances": [{"charge": False, "amount": "5"}]},
        {"prepayments": [{"amount": "5"}]},
        {"withholding": [{"category": {"percent": "1"}, "amount": "1"}]},
        {"totals": {"net": 498228, "tax": 124557, "gross": 622785, "prepaid": 1, "payable": 622784}},
        {"totals": {"net": 1, "payable": 1}},
        {"taxes": [{"category": {"percent": "25"}, "taxable": "4982.28", "amount": "1245.58"}]},
        {"lines": [{"name": "Lump sum", "amount": "4982.28"}]},
        {"lines": [{"name": "Oak", "quantity": "1", "price": "4982.28", "amount": "4982.28",
                    "period": {"start": "2026-01-01"}}]},
        {"lines": [{"name": "Oak", "quantity": "1", "price": "4982.28", "amount": "4982.28",
                    "tax_categories": [{"percent": "25"}, {"percent": "3"}]}]},
    ],
)  # fmt: skip
def test_what_the_form_would_lose_is_not_edited(changes):
    assert lost_by_editing(content_for(MARIT, Kind.INVOICE, **changes))


def test_the_demonstrations_papers_can_be_edited():
    kinds = {Kind.QUOTE, Kind.INVOICE}
    for one in (paper for paper in PAPERS if paper.kind in kinds):
        values = one.as_json(content_for(MARIT).issued_on)
        values.pop("customer")
        assert lost_by_editing(DocumentContent.model_validate(values)) == [], one.number


# --- numbers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("newest", "expected"),
    [
        ([], "INV-2026-0001"),
        (["gift"], "INV-2026-0001"),
        (["INV-1099"], "INV-1100"),
        (["Q-2026-0155", "Q-2026-0160", "OLD-9"], "Q-2026-0161"),
        (["gift", "007"], "008"),
        (["A-999"], "A-1000"),
        (["DBL3", "Q-2026-0008", "Q-2026-0009"], "Q-2026-0010"),
        (["A-2", "A-1", "Q-2026-0003"], "A-3"),
        (["DBL3", "Q-2025-0008", "Q-2025-0009"], "Q-2026-0001"),
        (["Q-2025-0155"], "Q-2026-0001"),
        (["12345678901234"], "12345678901235"),
    ],
)
def test_the_next_number_goes_on_with_the_series(newest, expected):
    assert numbering.following(newest, 2026, "INV") == expected
    assert numbering.after("A-09") == "A-10"
    assert numbering.after("gift") == "gift-2"

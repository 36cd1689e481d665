"""Figures that do not follow from each other are named; those that do are left in peace."""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portico.records.content import DocumentContent, digits_of, from_minor
from portico.services.imports.checks import check_sums

DAY = dt.date(2026, 3, 2)


def document(**changes: Any) -> DocumentContent:
    """An invoice of 100.00 plus 25 % in one line, which adds up."""
    values: dict[str, Any] = {
        "kind": "invoice",
        "number": "1",
        "currency": "EUR",
        "issued_on": DAY,
        "seller": {"name": "Us"},
        "buyer": {"name": "Them"},
        "lines": [{"id": "1", "name": "a", "quantity": "4", "price": "25", "amount": "100"}],
        "taxes": [{"category": {"percent": "25"}, "taxable": "100", "amount": "25"}],
        "totals": {"lines": 10000, "net": 10000, "tax": 2500, "gross": 12500, "payable": 12500},
    }
    return DocumentContent.model_validate(values | changes)


def line(**values: Any) -> dict[str, Any]:
    return {"name": "a", **values}


def said(content: DocumentContent) -> dict[str, str]:
    return {warning.field: warning.sentence for warning in check_sums(content)}


def test_a_document_that_adds_up_has_no_warning():
    assert said(document()) == {}


def test_each_figure_is_compared_with_what_it_follows_from():
    totals = {"lines": 9000, "net": 8000, "tax": 7000, "gross": 6000, "payable": 5000}
    lines = [line(id="A", quantity="4", price="25", amount="90.5")]
    taxes = [{"category": {"percent": "25"}, "taxable": "100", "amount": "30"}]
    assert said(document(lines=lines, taxes=taxes, totals=totals)) == {
        "lines[0].amount": "The amount of line A is stated as 90.50 EUR; quantity, price and its "
        "allowances and charges make it 100.00 EUR.",
        "totals.lines": "The sum of the lines is stated as 90.00 EUR; the amounts of the lines "
        "make it 90.50 EUR.",
        "totals.net": "The amount without tax is stated as 80.00 EUR; lines, allowances and "
        "charges make it 90.00 EUR.",
        "taxes[0].amount": "The tax at 25% is stated as 30.00 EUR; 25% of 100.00 EUR make it "
        "25.00 EUR.",
        "totals.tax": "The tax is stated as 70.00 EUR; the rows of the tax breakdown make it "
        "30.00 EUR.",
        "totals.gross": "The amount with tax is stated as 60.00 EUR; the amount without tax and "
        "the tax make it 150.00 EUR.",
        "totals.payable": "The amount to pay is stated as 50.00 EUR; the amount with tax, what "
        "was paid and the rounding make it 60.00 EUR.",
    }


@pytest.mark.parametrize(
    ("values", "right"),
    [
        ({"quantity": "10", "price": "200", "base_quantity": "2", "amount": "1000"}, True),
        ({"quantity": "10", "price": "200", "base_quantity": "2", "amount": "2000"}, False),
        ({"quantity": "3", "price": "0.333", "amount": "1"}, True),
        ({"quantity": "-1", "price": "3.96", "amount": "-3.96"}, True),
        ({"quantity": "-1", "price": "3.96", "amount": "3.96"}, False),
        ({"quantity": "1", "price": "0.496", "amount": "0.496"}, True),
        ({"quantity": "1", "price": "10", "amount": "10.02"}, False),
        ({"quantity": "1", "price": "10", "base_quantity": "0", "amount": "10"}, False),
        ({"price": "10", "amount": "3"}, True),
        (
            {
                "quantity": "10",
                "price": "410",
                "amount": "4000",
                "allowances": [{"charge": True, "amount": "1"}, {"charge": False, "amount": "101"}],
                "price_allowances": [{"charge": False, "amount": "40", "base_amount": "450"}],
            },
            True,
        ),
    ],
)
def test_a_line_is_quantity_times_price_with_its_allowances(values, right):
    content = document(lines=[line(**values)], taxes=[], totals={"payable": 1})
    warned = any(field == "lines[0].amount" for field in said(content))
    assert warned is not right


def test_parts_of_a_line_count_once():
    lines = [line(id="1", amount="100"), line(id="1.1", parent="1", amount="60")]
    assert said(document(lines=lines)) == {}


def test_allowances_and_charges_on_the_document():
    changes: dict[str, Any] = {
        "allowances": [{"charge": True, "amount": "20"}, {"charge": False, "amount": "5"}],
        "taxes": [{"category": {"percent": "25"}, "taxable": "115", "amount": "28.75"}],
    }
    totals = {
        "lines": 10000, "allowances": 500, "charges": 2000,
        "net": 11500, "tax": 2875, "gross": 14375, "payable": 14375,
    }  # fmt: skip
    assert said(document(totals=totals, **changes)) == {}
    assert set(said(document(totals=totals | {"charges": 2500}, **changes))) == {"totals.charges"}
    without = {key: value for key, value in totals.items() if key not in {"allowances", "charges"}}
    assert said(document(totals=without, **changes)) == {}


def test_prepaid_rounding_and_withholding():
    totals = {"net": 10000, "tax": 2500, "gross": 12500, "prepaid": 2475, "rounding": -25}
    assert said(document(totals=totals | {"payable": 10000})) == {}
    assert set(said(document(totals=totals | {"payable": 9900}))) == {"totals.payable"}
    withheld = [{"category": {"percent": "1"}, "amount": "1"}]
    assert said(document(totals=totals | {"payable": 9900}, withholding=withheld)) == {}


def test_rounding_may_be_in_the_amount_with_tax():
    totals = {"net": 10000, "tax": 2500, "gross": 12530, "rounding": 30, "payable": 12530}
    assert said(document(totals=totals)) == {}


def test_a_negative_correction_adds_up():
    content = document(
        lines=[line(quantity="-7", price="400", amount="-2800"),
               line(quantity="3", price="500", amount="1500")],
        allowances=[{"charge": True, "amount": "-25"}],
        taxes=[{"category": {"percent": "25"}, "taxable": "-1325", "amount": "-331.25"}],
        totals={"lines": -130000, "charges": -2500, "net": -132500, "tax": -33125,
                "gross": -165625, "payable": -165625},
    )  # fmt: skip
    assert said(content) == {}


def test_tax_where_the_amount_without_tax_belongs():
    totals = {"lines": 10000, "net": 2500, "gross": 12500, "payable": 12500}
    found = said(document(totals=totals, taxes=[], kind="quote"))
    assert found == {
        "totals.net": "The amount without tax is stated as 25.00 EUR, but that is the tax: "
        "the lines, allowances and charges come to 100.00 EUR."
    }


def test_an_order_may_leave_its_tax_out_of_what_is_to_pay():
    totals = {"lines": 10000, "tax": 2500, "payable": 10000}
    assert said(document(kind="sales_order", totals=totals)) == {}
    assert said(document(kind="sales_order", totals=totals | {"payable": 12500})) == {}
    assert set(said(document(kind="sales_order", totals=totals | {"payable": 1}))) == {
        "totals.payable"
    }


def test_tax_may_be_rounded_on_each_line():
    lines = [line(amount="0.10", tax_amount="0.03") for _ in range(10)]
    taxes = [{"category": {"percent": "25"}, "taxable": "1.00", "amount": "0.30"}]
    totals = {"net": 100, "tax": 30, "gross": 130, "payable": 130}
    assert said(document(lines=lines, taxes=taxes, totals=totals)) == {}


def test_dates_that_come_before_the_issue():
    before = DAY - dt.timedelta(days=1)
    period = {"start": DAY, "end": before}
    found = said(document(due_on=before, valid_until=before, period=period))
    assert set(found) == {"due_on", "valid_until", "period"}
    assert found["due_on"] == "It is due on 2026-03-01, before it was issued on 2026-03-02."
    assert said(document(due_on=DAY, valid_until=DAY, period={"start": DAY, "end": DAY})) == {}


def test_a_statement_runs_from_opening_to_closing():
    entries = [
        {"on": DAY, "kind": "Invoice", "amount": 500, "balance": 1500},
        {"on": DAY, "kind": "Payment", "amount": -700, "balance": 800},
    ]
    body = {
        "period": {"start": DAY, "end": DAY},
        "opening": 1000,
        "entries": entries,
        "closing": 800,
    }
    ageing = [{"label": "now", "amount": 300}, {"label": "30 days", "amount": 500}]
    values: dict[str, Any] = {"kind": "statement", "lines": [], "taxes": []}
    right = {"statement": body | {"ageing": ageing}, "totals": {"payable": 800}, **values}
    assert said(document(**right)) == {}
    slip = [entries[0], entries[1] | {"balance": 900}]
    wrong = body | {"entries": slip, "closing": 700, "ageing": ageing[:1]}
    assert set(said(document(**(right | {"statement": wrong})))) == {
        "statement.entries[1].balance", "statement.closing", "totals.payable", "statement.ageing",
    }  # fmt: skip


# --- whatever adds up is left in peace --------------------------------------------------------

_RATES = st.sampled_from(["0", "5.5", "7", "19", "25"])
_LINES = st.lists(
    st.tuples(
        st.decimals("-500", "500", places=3),  # quantity
        st.decimals("0", "2000", places=4),  # price
        st.sampled_from(["1", "3", "100"]),  # base quantity
        st.decimals("0", "50", places=2),  # line allowance
        st.decimals("0", "50", places=2),  # line charge
        _RATES,
    ),
    min_size=1,
    max_size=8,
)


def _consistent(
    currency: str, lines: list[Any], charge: Decimal, prepaid: Decimal
) -> dict[str, Any]:
    """A document computed the way EN 16931 computes one."""
    unit = from_minor(1, currency)

    def rounded(amount: Decimal) -> Decimal:
        return amount.quantize(unit, ROUND_HALF_UP)

    def minor(amount: Decimal) -> int:
        return int(amount.scaleb(digits_of(currency)))

    made = []
    bases: dict[str, Decimal] = {}
    for quantity, price, base, off, on, rate in lines:
        off, on = rounded(off), rounded(on)
        amount = rounded(quantity * price / Decimal(base) - off + on)
        bases[rate] = bases.get(rate, Decimal()) + amount
        allowances = [{"charge": False, "amount": str(off)}, {"charge": True, "amount": str(on)}]
        made.append(
            line(quantity=str(quantity), price=str(price), base_quantity=base, amount=str(amount),
                 allowances=allowances)
        )  # fmt: skip
    charge, prepaid = rounded(charge), rounded(prepaid)
    total = sum(bases.values(), Decimal())
    first = next(iter(bases))
    bases[first] += charge
    taxes = [
        {"category": {"percent": rate}, "taxable": str(base),
         "amount": str(rounded(base * Decimal(rate) / 100))}
        for rate, base in bases.items()
    ]  # fmt: skip
    tax = sum((Decimal(str(group["amount"])) for group in taxes), Decimal())
    gross = total + charge + tax
    rounding = (gross - prepaid).to_integral_value() - (gross - prepaid)
    return {
        "currency": currency,
        "lines": made,
        "allowances": [{"charge": True, "amount": str(charge)}],
        "taxes": taxes,
        "totals": {
            "lines": minor(total), "charges": minor(charge), "net": minor(total + charge),
            "tax": minor(tax), "gross": minor(gross), "prepaid": minor(prepaid),
            "rounding": minor(rounding), "payable": minor(gross - prepaid + rounding),
        },
    }  # fmt: skip


_DOCUMENTS = st.builds(
    _consistent,
    st.sampled_from(["EUR", "JPY", "KWD"]),
    _LINES,
    st.decimals("0", "100", places=3),
    st.decimals("0", "100", places=3),
)


@settings(max_examples=200, deadline=None)
@given(_DOCUMENTS)
def test_a_consistent_document_has_no_warning(values):
    assert said(document(**values)) == {}


@settings(max_examples=100, deadline=None)
@given(
    _DOCUMENTS,
    st.sampled_from(["lines", "charges", "net", "tax", "gross", "payable"]),
    # More than all line charges together: a total may take those in too.
    st.integers(10**6, 10**8).map(lambda by: by if by % 2 else -by),
)
def test_one_wrong_total_is_always_seen(values, name, by):
    values["totals"][name] += by
    assert said(document(**values))

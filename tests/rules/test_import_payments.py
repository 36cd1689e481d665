"""I1: payments from files, with what they settle; every fault with its place, all or nothing."""

from __future__ import annotations

import copy
import datetime as dt
import json
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portico.records.content import Kind
from portico.records.payment import Allocation, Payment, PaymentKind
from portico.services import intake, payments
from portico.services.imports import portico_json
from portico.services.imports.outcome import Outcome
from portico.services.imports.refusals import BadFile
from tests.cast import CHIYO, MARIT, OLAF, content_for

DOCS = Path(__file__).resolve().parents[2] / "docs" / "import.md"
EXAMPLE = re.findall(r"```json\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.S)[2]
SMALL = {
    "number": "PAY-1",
    "customer": {"name": MARIT.customer},
    "currency": "EUR",
    "amount": "100.00",
    "received_on": "2026-11-10",
}


def text(*values, **more):
    return json.dumps({"payments": list(values), **more}, indent=1).encode()


def faults(data):
    with pytest.raises(BadFile) as refused:
        portico_json.read_all(data)
    return [str(problem) for problem in refused.value.problems]


def invoice(number="INV-1007", **changes):
    return content_for(MARIT, Kind.INVOICE, number=number, **changes).model_dump(
        mode="json", exclude_defaults=True
    )


def bring(company, data, **options):
    with company.scope():
        return intake.import_file(data, "halden", by="Kari", **options)


def refused(company, data, **options):
    """What is said; and nothing was changed."""
    before = company.dump()
    with pytest.raises(BadFile) as refusal:
        bring(company, data, **options)
    assert company.dump() == before
    return [str(problem) for problem in refusal.value.problems]


def test_the_example_in_the_handbook_is_taken():
    first, second = portico_json.read_all(EXAMPLE.encode()).payments
    assert (first.amount, first.allocations[0].amount, second.amount) == (400_00, 312_45, 87_55)
    assert (second.kind, second.external_id) == ("refund", "REF-4")
    assert first.allocations[0].place.line == 13


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"amount": 12.5}, "payments[0].amount: This must be a whole number of minor"),
        ({"amount": 0}, "payments[0].amount: This must be above zero."),
        ({"amount": "-1"}, "payments[0].amount: “-1” is not an amount"),
        ({"amount": "1.005"}, "payments[0].amount: “1.005” has more decimals than EUR knows."),
        ({"amount": 10**40}, "payments[0].amount: "),
        ({"amount": None}, "payments[0].amount: This must be a whole number"),
        ({"currency": "XXY"}, "payments[0].currency: “XXY” is not an ISO 4217"),
        ({"received_on": "10.11.2026"}, "payments[0].received_on: “10.11.2026” is not a date"),
        ({"kind": "cheque"}, "payments[0].kind: This must be one of 'payment' or 'refund'"),
        ({"customer": {}}, "payments[0].customer: Please name the customer"),
        ({"customer": "Fjordhus"}, "payments[0].customer: This must be an object."),
        ({"colour": 1}, "payments[0].colour: There is no field of this name."),
        ({"number": ""}, "payments[0].number: This must not be empty."),
        ({"method": "x" * 101}, "payments[0].method: This is longer than 100 characters."),
        ({"allocations": {}}, "payments[0].allocations: This must be a list."),
        ({"allocations": [{"amount": 1}]}, "allocations[0]: An allocation of a payment names one"),
        (
            {"allocations": [{"credit_note": "C", "amount": 1}]},
            "payments[0].allocations[0]: An allocation of a payment names one invoice or refund.",
        ),
        (
            {"kind": "refund", "allocations": [{"invoice": "C", "amount": 1}]},
            "allocations[0]: An allocation of a refund names one payment or credit note.",
        ),
        (
            {"allocations": [{"invoice": "C"}]},
            "payments[0].allocations[0].amount: This is missing.",
        ),
        (
            {"allocations": [{"invoice": "C", "amount": "101"}]},
            "These come to more than the amount",
        ),
    ],
)
def test_a_fault_is_named_with_its_place(changes, said):
    (found,) = faults(text({**SMALL, **changes}))
    assert said in found
    assert found.startswith("line ")


def test_faults_of_documents_and_payments_are_found_together():
    data = text({**SMALL, "amount": 0}, SMALL, SMALL, 7, documents=[{**invoice(), "x": 1}])
    found = [fault.partition(": ")[0].partition(", ")[2] for fault in faults(data)]
    assert found == ["documents[0].x", "payments[0].amount", "payments[2]", "payments[3]"]
    assert "no payments in this list" in faults(text())[0]


_SPOTS = st.sampled_from(
    ["number", "customer", "amount", "received_on", "allocations", "method", "kind"]
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from(["1e400", "9" * 40, "2026-01-01", "\ud800", "\x7f", "\u202e", 2**63]),
    lambda inner: st.lists(inner, max_size=2)
    | st.dictionaries(st.sampled_from(["amount", "invoice", "name", "refund"]), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(edits=st.lists(st.tuples(st.integers(0, 1), _SPOTS, _VALUES), min_size=1, max_size=3))
def test_odd_values_are_taken_or_refused_and_nothing_else(acme, edits):
    value = json.loads(EXAMPLE.replace("Maison Verte", MARIT.customer))
    value["payments"][0]["customer"] = {"name": MARIT.customer}
    for number, key, odd in edits:
        value["payments"][number][key] = copy.deepcopy(odd)
    try:
        bring(acme, json.dumps(value).encode())
    except BadFile as refusal:
        assert all(problem.sentence for problem in refusal.problems)  # noqa: PT017


def test_one_file_holds_invoices_and_the_money_that_settles_them(both):
    acme = both.acme
    paid = {**SMALL, "amount": "7000.00", "allocations": [{"invoice": "INV-1007", "amount": "6227.85"},
                                                          {"refund": "REF-1", "amount": "700.00"}]}  # fmt: skip
    back = {**SMALL, "kind": "refund", "number": "REF-1", "amount": 720_00,
            "allocations": [{"credit_note": "CRE-1", "amount": 20_00}]}  # fmt: skip
    note = content_for(MARIT, Kind.CREDIT_NOTE).model_dump(mode="json", exclude_defaults=True)
    data = text(paid, back, documents=[invoice(), note])
    done = bring(acme, data)
    assert [(one.kind_label, one.outcome.value) for one in done] == [
        ("Invoice", "added"), ("Credit note", "added"), ("Payment", "added"), ("Refund", "added"),
    ]  # fmt: skip
    assert (acme.read(done[0].document_id).state, acme.read(done[0].document_id).balance) == (
        "paid",
        0,
    )
    assert acme.read(done[1].document_id).balance == 622785 - 20_00
    assert [one.unallocated for one in acme.rows(Payment)] == [7215, 0]
    assert {str(one.made_on) for one in acme.rows(Allocation)} == {"2026-11-12", "2026-11-10"}
    before = acme.dump()
    assert {one.outcome for one in bring(acme, data)} == {Outcome.UNCHANGED}
    assert acme.dump() == before
    with acme.scope():
        payments.release(acme.rows(Allocation)[0].id, by="Kari")
    assert {one.outcome for one in bring(acme, data)} == {Outcome.UNCHANGED}


def test_other_content_under_a_known_id_is_refused_or_takes_its_place(both):
    acme = both.acme
    first = {**SMALL, "allocations": [{"invoice": "INV-1007", "amount": "100.00"}]}
    bring(acme, text(first, documents=[invoice()]))
    other = {
        **SMALL,
        "amount": "60.00",
        "allocations": [{"invoice": "INV-1007", "amount": "50.00"}],
    }
    (said,) = refused(acme, text(other))
    assert "payments[0]" in said
    assert "already another payment or refund with the id “PAY-1”" in said
    assert "belongs to another customer" in refused(
        acme, text({**other, "customer": {"name": OLAF.customer}}), update=True
    )[0]  # fmt: skip
    assert "cannot become a refund" in refused(
        acme, text({**SMALL, "kind": "refund"}), update=True
    )[0]  # fmt: skip
    assert bring(acme, text(other), update=True)[0].outcome == "revised"
    (payment,) = acme.rows(Payment)
    assert (payment.amount, payment.unallocated) == (60_00, 10_00)
    assert [one.amount for one in acme.rows(Allocation)] == [50_00]
    with acme.scope():
        payments.void(payment.id, by="Kari")
    assert bring(acme, text(other))[0].outcome == "unchanged"
    assert "was voided" in refused(acme, text(SMALL), update=True)[0]


def test_what_was_recorded_by_hand_is_recognised(acme):
    with acme.scope():
        money = payments.Money(PaymentKind.PAYMENT, 100_00, "EUR", dt.date(2026, 11, 10), "PAY-1")
        payments.record(acme.customer(MARIT).id, money, by="Kari")
    assert bring(acme, text(SMALL))[0].outcome == "unchanged"
    assert "already another" in refused(acme, text({**SMALL, "reference": "x"}))[0]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"customer": {"name": "Nobody"}}, "payments[0]: No customer"),
        ({"customer": {"name": CHIYO.customer}}, "payments[0]: No customer"),
        ({"received_on": "2026-11-13"}, "payments[0].received_on: Please give the day it arrived"),
        (
            {"allocations": [{"invoice": "INV-9", "amount": 1}]},
            "allocations[0]: There is no invoice",
        ),
        (
            {"allocations": [{"refund": "REF-9", "amount": 1}]},
            "allocations[0]: There is no payment",
        ),
        (
            {"allocations": [{"invoice": "OLAF-1", "amount": 1}]},
            "allocations[0]: Payment PAY-1 and",
        ),
        ({"currency": "USD", "allocations": [{"invoice": "INV-1007", "amount": 1}]}, "is in USD"),
        (
            {"amount": 622786, "allocations": [{"invoice": "INV-1007", "amount": 622786}]},
            "allocations[0]: Only 6,227.85 EUR is open on Invoice INV-1007.",
        ),
    ],
)
def test_what_does_not_belong_together_is_refused_with_its_place(acme, changes, said):
    acme.document(MARIT, Kind.INVOICE)
    acme.document(OLAF, Kind.INVOICE, number="OLAF-1")
    good = {**SMALL, "number": "PAY-0", "external_id": "PAY-0"}
    found = refused(acme, text({**SMALL, **changes}, good))
    assert len(found) == 1
    assert said in found[0]
    assert found[0].startswith("line ")

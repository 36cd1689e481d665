"""The JSON form of documents (docs/import.md): what is taken, and how faults are named."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portico.records.content import Kind
from portico.records.document import COMMERCIAL
from portico.services.imports import portico_json
from portico.services.imports.parsed import HintedContact
from portico.services.imports.refusals import BadFile

DOCS = Path(__file__).resolve().parents[2] / "docs" / "import.md"
# The third is of payments, the fourth of projects: test_import_payments, test_import_projects.
_EXAMPLES = re.findall(r"```json\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.S)
EXAMPLES = [*_EXAMPLES[:2], _EXAMPLES[4]]
SMALL = {
    "kind": "quote",
    "number": "Q-1",
    "currency": "EUR",
    "issued_on": "2026-03-02",
    "seller": {"name": "Us"},
    "buyer": {"name": "Them"},
    "totals": {"payable": 1000},
}


def text(**changes) -> bytes:
    return json.dumps({**SMALL, **changes}, indent=1).encode()


def faults(data: bytes) -> list[str]:
    with pytest.raises(BadFile) as refused:
        portico_json.read(data)
    return [str(problem) for problem in refused.value.problems]


def test_the_first_example_in_the_handbook_is_taken():
    (parsed,) = portico_json.read(EXAMPLES[0].encode())
    assert parsed.warnings == ()
    assert parsed.external_id == "erp-88123"
    assert parsed.content.number == "2026/117"
    assert parsed.content.totals.payable == parsed.content.totals.gross == 31245
    assert parsed.content.lines[0].quantity == "12"
    assert parsed.customer.external_ids == ("C-1001",)
    assert parsed.customer.names == ("Maison Verte",)
    assert parsed.customer.contacts == (
        HintedContact(email="billing@verte.example"),
        HintedContact("Luc Petit", "luc@verte.example"),
    )
    assert list(parsed.attachments.values()) == [b"day,hours\n1,8\n"]
    assert not parsed.draft


def test_the_second_example_is_a_statement():
    (parsed,) = portico_json.read(EXAMPLES[1].encode())
    assert parsed.warnings == ()
    assert parsed.content.statement
    assert parsed.content.statement.entries[0].amount == 31245


@pytest.mark.parametrize("kind", [kind for kind in COMMERCIAL if kind is not Kind.STATEMENT])
def test_every_kind_is_taken(kind):
    (parsed,) = portico_json.read(text(kind=kind.value, draft=True))
    assert parsed.content.kind is kind
    assert parsed.draft
    assert parsed.external_id == "Q-1"


def test_shared_work_is_taken_with_its_part_and_no_other():
    proposal, request, acceptance, time = portico_json.read(EXAMPLES[2].encode())
    assert proposal.content.proposal
    assert request.content.request
    assert time.content.time
    assert proposal.content.proposal.fee_model.label == "Milestone"
    assert [one.wants for one in request.content.request.items] == ["file", "text"]
    assert str(acceptance.content.expires_at) == "2026-03-27 16:00:00+00:00"
    assert time.content.time.minutes == 480
    assert not any(one.warnings for one in (proposal, request, acceptance, time))
    for changes, said in (
        ({"kind": "proposal"}, "proposal: A proposal needs this."),
        ({"request": {"items": [{"name": "x"}]}}, "Only documents of the kind information_request"),
        ({"expires_at": "2026-03-27T17:00:00Z"}, "does not expire at a moment"),
        ({"kind": "time_approval", "time": {"period": {}, "entries": []}}, "time.entries"),
        ({"kind": "acceptance", "acceptance": {"confirms": "x"},
          "expires_at": "2026-03-27T17:00:00"}, "needs its time zone"),
        ({"kind": "acceptance", "acceptance": {"confirms": "x"},
          "expires_at": "0001-01-01T00:00:00+14:00"}, "too far away"),
    ):  # fmt: skip
        with pytest.raises(BadFile) as refusal:
            portico_json.read(text(**changes))
        said_all = " ".join(str(one) for one in refusal.value.problems)
        assert said in said_all, (changes, said_all)


def test_amounts_are_minor_units_as_numbers_and_whole_units_as_text():
    (one,) = portico_json.read(text(totals={"payable": 1250}))
    (other,) = portico_json.read(text(totals={"payable": "12.50"}))
    assert one.content == other.content
    (yen,) = portico_json.read(text(currency="JPY", totals={"payable": "1250"}))
    assert yen.content.totals.payable == 1250


def test_numbers_keep_every_digit():
    line = {"name": "a", "price": "PRICE", "quantity": "QUANTITY"}
    raw = (
        text(lines=[line])
        .replace(b'"PRICE"', b"0.12345678901234567")
        .replace(b'"QUANTITY"', b"2.50")
    )
    (parsed,) = portico_json.read(raw)
    assert parsed.content.lines[0].price == "0.12345678901234567"
    assert parsed.content.lines[0].quantity == "2.5"


def test_finer_totals_are_rounded_half_up_with_a_warning():
    (parsed,) = portico_json.read(text(totals={"payable": "10.005"}))
    assert parsed.content.totals.payable == 1001
    assert parsed.warnings[0].field == "totals.payable"
    assert "more decimals than EUR knows" in parsed.warnings[0].sentence


def test_sums_that_do_not_hold_are_a_warning_with_its_line():
    totals = {"net": 1000, "tax": 200, "gross": 1300, "payable": 1300}
    (parsed,) = portico_json.read(text(totals=totals))
    (warning,) = parsed.warnings
    assert warning.field == "totals.gross"
    assert text(totals=totals).splitlines()[(warning.line or 0) - 1].strip() == b'"gross": 1300,'


def test_the_same_document_twice_is_refused():
    data = json.dumps({"documents": [SMALL, SMALL]}).encode()
    assert faults(data) == ["line 1, documents[1]: documents[0] is the same kind with the same id."]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings(encoding):
    data = json.dumps({**SMALL, "buyer": {"name": "Böhm"}}, ensure_ascii=False).encode(encoding)
    assert portico_json.read(data)[0].content.buyer.name == "Böhm"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "bill"}, "kind: This must be one of 'quote', 'invoice'"),
        ({"number": 7}, "number: This must be text."),
        ({"number": ""}, "number: This must not be empty."),
        ({"colour": "red"}, "colour: There is no field of this name."),
        ({"issued_on": "02.03.2026"}, "issued_on: “02.03.2026” is not a date"),
        ({"issued_on": 20260302}, "issued_on: “20260302” is not a date"),
        ({"currency": "EURO"}, "currency: "),
        ({"currency": "QQQ"}, "currency: “QQQ” is not an ISO 4217 currency code."),
        ({"totals": {}}, "totals.payable: This is missing."),
        ({"totals": {"payable": 12.5}}, "totals.payable: This must be a whole number of minor"),
        ({"totals": {"payable": True}}, "totals.payable: This must be a whole number of minor"),
        ({"totals": {"payable": "1.234,50"}}, "totals.payable: “1.234,50” is not an amount"),
        ({"totals": {"payable": 10**18}}, "totals.payable: This is larger than any amount"),
        ({"totals": {"payable": 10**50}}, "totals.payable: “1000"),
        ({"totals": [1]}, "totals: This must be an object."),
        ({"lines": {}}, "lines: This must be a list."),
        ({"lines": [{"name": "a"}, {"name": "b", "price": "x"}]}, "lines[1].price: “x” is not a"),
        ({"lines": [{"name": "a", "price": "NaN"}]}, "lines[0].price: “NaN” is not a finite"),
        ({"lines": [{"name": "a", "price": True}]}, "lines[0].price: This must be text."),
        ({"notes": ["a\0b"]}, "notes[0]: “a b” contains characters that cannot be shown."),
        ({"draft": "yes"}, "draft: This must be true or false."),
        ({"customer": {"email": "nobody"}}, "customer.email: "),
        ({"customer": {"phone": "1"}}, "customer.phone: There is no field of this name."),
        ({"kind": "statement"}, "statement: A statement needs this."),
        (
            {"references": [{"type": "document", "attachment": {"content": "%"}}]},
            "references[0].attachment.content: The file is empty or not valid base64.",
        ),
        (
            {"references": [{"type": "document", "attachment": {"filename": "a"}}]},
            "references[0].attachment: The embedded file has no content",
        ),
    ],
)
def test_a_fault_is_named_with_its_path(changes, said):
    (found,) = faults(text(**changes))
    assert said in found
    assert found.startswith("line ")


def test_all_faults_of_all_documents_are_found_with_their_lines():
    second = {**SMALL, "number": None, "issued_on": "soon"}
    data = json.dumps({"documents": [{**SMALL, "x": 1}, second]}, indent=0).encode()
    found = faults(data)
    assert [fault.partition(": ")[0].partition(", ")[2] for fault in found] == [
        "documents[0].x", "documents[1].number", "documents[1].issued_on",
    ]  # fmt: skip
    numbers = [int(fault.split()[1].rstrip(",")) for fault in found]
    assert [data.splitlines()[n - 1].partition(b":")[0] for n in numbers] == [
        b'"x"', b'"number"', b'"issued_on"',
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"  ", "empty"),
        (b"<Invoice/>", "looks like XML"),
        (b"7", "must be one document"),
        (b"[]", "must be one document"),
        (b'{"documents": []}', "no documents"),
        (b'{"documents": [1]}', "documents[0]: This must be an object."),
        (b'{"documents": [{}], "x": 1}', "x: There is no field"),
        (b'{"kind":\n "quote",}', "line 2: The file is not JSON"),
        (b'{"a": 1,\n"a": 2}', "line 2, a: This field is given twice."),
        (b'{"b": {"a": 1, "\\u0061": 2}}', "b.a: This field is given twice."),
        (b'{"a": NaN}', "a: “NaN” is not a number"),
        (b'{"a": [-Infinity]}', "a[0]: “-Infinity” is not a number"),
        (b'{"a": 1e400}', "a: “1e400” is not a number"),
        (b'{"a": ' + b"1" * 5000 + b"}", "is not a number that can be taken"),
        (b'{"a": "\\ud800"}', "half a character"),
        (b'{"\\udc00": 1}', "half a character"),
        (b'{"a": "\xff"}', "not in UTF-8"),
        (b'{"a": "\xed\xa0\x80"}', "not in UTF-8"),
        (b"[" * 100_000, "nested"),
        (b"[" * 60 + b"]" * 60, "nested"),
        (b'{"a":' * 60 + b"1" + b"}" * 60, "nested"),
    ],
)
def test_what_is_no_file_of_documents_is_refused(data, said):
    assert said in faults(data)[0]


def test_the_number_of_values_is_limited():
    assert "more than 1,000,000 values" in faults(b'{"a": [' + b"1," * 1_000_000 + b"1]}")[0]


def test_size_is_limited():
    with pytest.raises(BadFile, match="MB fit"):
        portico_json.read(text(), most_bytes=10)


# --- nothing else is ever raised --------------------------------------------------------------

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from(["1e400", "-0", "9" * 40, "EUR", "JPY", "2026-01-01", "\ud800", "\x7f"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["amount", "name", "attachment", "payable"]), inner),
    max_leaves=5,
)  # fmt: skip


def _spots(value, path=()):
    """The path of every value inside *value*."""
    if isinstance(value, dict):
        items = list(value.items())
    else:
        items = list(enumerate(value)) if isinstance(value, list) else []
    for step, inner in items:
        yield (*path, step)
        yield from _spots(inner, (*path, step))


def read_or_refused(data: bytes) -> object:
    try:
        return [parsed.content.canonical().encode() for parsed in portico_json.read(data)]
    except BadFile as refused:
        return [problem for problem in refused.problems if problem.sentence]


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(EXAMPLES), st.data())
def test_odd_values_anywhere_are_read_or_refused(example, data):
    value = json.loads(example)
    for _ in range(data.draw(st.integers(1, 3))):
        *way, last = data.draw(st.sampled_from(list(_spots(value))))
        target = value
        for step in way:
            target = target[step]
        target[last] = copy.deepcopy(data.draw(_VALUES))
    assert read_or_refused(json.dumps(value).encode())


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(EXAMPLES),
    st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 9), st.binary(max_size=4)), min_size=1),
)
def test_a_damaged_file_is_read_or_refused(example, edits):
    data = example.encode()
    for at, cut, put in edits[:4]:
        at %= len(data) or 1
        data = data[:at] + put + data[at + cut :]
    assert read_or_refused(data)

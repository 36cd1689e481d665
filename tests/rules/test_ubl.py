"""UBL files become content without loss, or are refused with every fault named (spec I1)."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portico.records.content import Identifier, Kind
from portico.services.imports import ubl
from portico.services.imports.parsed import HintedContact
from portico.services.imports.refusals import BadFile

DATA = Path(__file__).resolve().parent.parent / "data"
INVOICE = (DATA / "invoice.xml").read_bytes()
FILES = [(DATA / name).read_bytes() for name in ("invoice.xml", "order.xml", "quotation.xml")]


def small(body: str = "", *, root: str = "Invoice", replace: tuple[str, str] = ("", "")) -> bytes:
    """The least that can be read, with *body* before the totals, and one text replaced."""
    text = f"""<{root} xmlns="urn:oasis:names:specification:ubl:schema:xsd:{root}-2"
 xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
 xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
<cbc:ID>7</cbc:ID>
<cbc:IssueDate>2026-03-02</cbc:IssueDate>
<cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>
<cac:AccountingSupplierParty><cac:Party><cac:PartyName><cbc:Name>Us</cbc:Name></cac:PartyName>
</cac:Party></cac:AccountingSupplierParty>
<cac:AccountingCustomerParty><cac:Party><cac:PartyName><cbc:Name>Them</cbc:Name></cac:PartyName>
</cac:Party></cac:AccountingCustomerParty>
{body}
<cac:LegalMonetaryTotal><cbc:PayableAmount currencyID="EUR">10.00</cbc:PayableAmount>
</cac:LegalMonetaryTotal>
</{root}>"""
    assert replace[0] in text
    return text.replace(*replace).encode()


def faults(data: bytes) -> list[str]:
    with pytest.raises(BadFile) as refused:
        ubl.read(data)
    assert refused.value.problems
    return [str(problem) for problem in refused.value.problems]


def read_or_refused(data: bytes) -> object:
    """What came of it, never empty; anything but BadFile gets through and fails the test."""
    try:
        return ubl.read(data).content.canonical().encode()
    except BadFile as refused:
        return [problem for problem in refused.problems if problem.sentence]


@pytest.fixture(scope="module")
def invoice():
    return ubl.read(INVOICE)


# --- nothing is lost --------------------------------------------------------------------------


def test_the_head_is_read(invoice):
    content = invoice.content
    assert (content.kind, content.number, content.title) == (
        Kind.INVOICE, "2026/117", "Corrected invoice",
    )  # fmt: skip
    assert (content.issued_on, content.due_on, content.tax_point_on) == (
        dt.date(2026, 3, 2), dt.date(2026, 4, 1), dt.date(2026, 2, 28),
    )  # fmt: skip
    assert content.notes == ("Thank you\nfor the order.", "Goods stay ours until paid.")
    assert content.period
    assert content.period.description == "Tax point: delivery"
    assert invoice.external_id == "2026/117"
    assert invoice.warnings == ()


def test_parties_keep_every_name_number_and_address(invoice):
    seller = invoice.content.seller
    assert (seller.name, seller.legal_name) == ("Lantern Works", "Lantern Works Limited")
    assert seller.registration == Identifier(value="REG-1", scheme="0190")
    assert [(i.scheme, i.value) for i in seller.tax_ids] == [
        ("VAT", "IE1234567T"), ("TAX", "Local-77"),
    ]  # fmt: skip
    assert seller.address
    assert seller.address.lines == (
        "Sales office", "Quay Street 12", "Suite 4", "The Mill", "PO box 5467", "Gate C",
    )  # fmt: skip
    assert seller.contact
    assert (seller.contact.name, seller.contact.role) == ("Ana Reyes", "Bookkeeper")
    assert invoice.content.other_parties[0].party.name == "Verte Buying"
    assert invoice.content.payee
    assert invoice.content.tax_representative


def test_references_say_what_they_are(invoice):
    found = {(r.type, r.id) for r in invoice.content.references}
    assert found == {
        ("order", "PO-77"), ("sales_order", "SO-88"), ("invoice", "2026/101"),
        ("despatch", "DES-1"), ("receipt", "REC-1"), ("tender", "LOT-9"), ("contract", "CON-5"),
        ("invoiced_object", "OBJ-3"), ("document", "Hours"), ("document", "Drawing"),
        ("project", "PRJ-2"),
    }  # fmt: skip


def test_an_embedded_file_comes_with_its_bytes_and_a_safe_name(invoice):
    attachment = next(r.attachment for r in invoice.content.references if r.attachment)
    assert attachment.filename == "hours.csv"
    assert invoice.attachments == {attachment.sha256: b"day,hours\n1,8\n"}
    assert hashlib.sha256(b"day,hours\n1,8\n").hexdigest() == attachment.sha256
    assert attachment.size == 14


def test_payment_is_read_and_a_card_is_masked(invoice):
    transfer, card = invoice.content.payment_means
    assert (transfer.account, transfer.institution) == ("IE12BOFI90000112345678", "BOFIIE2D")
    assert (transfer.reference, transfer.account_name) == ("PAY-117", "Lantern account")
    assert (card.card, card.mandate, card.payer_account) == ("•••• 1234", "MAN-6", "FR7612345")
    assert "411111" not in invoice.content.canonical()
    assert invoice.content.payment_terms == (
        "2.00% discount if paid within 14 days\nNet 30 days",
        "3% discount until 2026-03-09",
    )


def test_money_is_kept_as_stated(invoice):
    totals = invoice.content.totals
    assert (totals.lines, totals.charges, totals.net, totals.tax, totals.gross) == (
        23000, 2000, 25000, 5500, 30500,
    )  # fmt: skip
    assert (totals.prepaid, totals.rounding, totals.payable) == (10000, 40, 20540)
    assert (invoice.content.tax_currency, invoice.content.tax_in_tax_currency) == ("SEK", 61600)
    assert invoice.content.taxes[1].category.exemption_reason == "Second-hand goods"
    assert invoice.content.prepayments[0].amount == "100"


def test_lines_keep_price_base_and_parts(invoice):
    lamp, shade, old = invoice.content.lines
    assert (lamp.quantity, lamp.price, lamp.base_quantity, lamp.base_unit) == (
        "400", "52.5", "100", "XPK",
    )  # fmt: skip
    assert lamp.price_allowances[0].percent == "25"  # stated as the factor 0.25
    assert (shade.id, shade.parent, shade.amount) == ("1.a", "1", "80")
    assert old.parent is None
    assert lamp.classifications == (Identifier(value="31520000", scheme="CPV 2008"),)
    assert [(r.type, r.id, r.line) for r in lamp.references] == [
        ("order", "", "PO-line-4"), ("invoiced_object", "METER-8", None),
    ]  # fmt: skip


def test_no_text_of_the_sample_is_lost(invoice):
    """Texts that only this file holds must turn up in the content, wherever."""
    known = invoice.content.canonical()
    texts = re.findall(rb">\s*([^<>]{3,}?)\s*</b:\w+", INVOICE)
    skipped = re.compile(r"#|ZGF5|4111|^\d{4}-\d\d-\d\d|^[\d.]+$")
    lost = [t for raw in texts if (t := raw.decode()) not in known and not skipped.search(t)]
    assert lost == []
    assert len(texts) > 90


def test_the_buyer_can_be_matched(invoice):
    assert invoice.customer.external_ids == ("C-1001", "ORG-5")
    assert invoice.customer.endpoints == (Identifier(value="FR23342", scheme="0002"),)
    assert invoice.customer.names == ("Maison Verte SARL",)
    assert invoice.customer.contacts == (HintedContact("Luc Petit", "luc@verte.example"),)


def test_an_order_is_a_sales_order():
    content = ubl.read((DATA / "order.xml").read_bytes()).content
    assert (content.kind, content.title, content.buyer.name) == (
        Kind.SALES_ORDER, "Blanket order", "Bygg AB",
    )  # fmt: skip
    assert {(r.type, r.id) for r in content.references} == {
        ("quotation", "Q-9"), ("requisition", "REQ-2"), ("contract", "K-1"),
    }  # fmt: skip
    assert content.lines[0].name == "Red paint"
    assert content.lines[0].notes == ("Handle with care",)
    assert {(p.name, p.value) for p in content.lines[0].properties} >= {("Requested by", "Josef")}


def test_a_quotation_is_a_quote_for_its_originator():
    parsed = ubl.read((DATA / "quotation.xml").read_bytes())
    content = parsed.content
    assert (content.kind, content.valid_until, content.currency) == (
        Kind.QUOTE, dt.date(2026, 5, 15), "DKK",
    )  # fmt: skip
    assert content.buyer.name == "Gemeente Oost"
    assert content.originator is None
    assert content.totals.net == 25000
    assert "that is the tax" in parsed.warnings[0].sentence


def test_a_credit_note_has_its_due_date_with_the_payment():
    body = (
        "<cac:PaymentMeans><cbc:PaymentDueDate>2026-04-02</cbc:PaymentDueDate></cac:PaymentMeans>"
        "<cac:CreditNoteLine><cbc:CreditedQuantity>2</cbc:CreditedQuantity>"
        "<cac:Item><cbc:Name>Lamp</cbc:Name></cac:Item></cac:CreditNoteLine>"
    )
    content = ubl.read(small(body, root="CreditNote")).content
    assert (content.kind, content.due_on) == (Kind.CREDIT_NOTE, dt.date(2026, 4, 2))
    assert content.lines[0].quantity == "2"


@pytest.mark.parametrize(
    ("code", "kind", "title"),
    [
        ("380", Kind.INVOICE, None),
        ("326", Kind.INVOICE, "Partial invoice"),
        ("386", Kind.INVOICE, "Prepayment invoice"),
        ("389", Kind.INVOICE, "Self-billed invoice"),
        ("383", Kind.INVOICE, "Debit note"),
        ("381", Kind.CREDIT_NOTE, None),
        ("396", Kind.CREDIT_NOTE, "Factored credit note"),
    ],
)
def test_the_type_code_gives_the_title(code, kind, title):
    parsed = ubl.read(small(f"<cbc:InvoiceTypeCode>{code}</cbc:InvoiceTypeCode>"))
    assert (parsed.content.kind, parsed.content.title) == (kind, title)
    assert bool(parsed.warnings) is (kind is Kind.CREDIT_NOTE)


def test_claims_of_others_are_told_from_payments():
    """XRechnung's extension adds them to what is to pay, in the same element."""
    paid = '<cac:PrepaidPayment><cbc:PaidAmount currencyID="EUR">4</cbc:PaidAmount></cac:PrepaidPayment>'
    gross = '<cbc:TaxInclusiveAmount currencyID="EUR">6</cbc:TaxInclusiveAmount><cbc:PayableAmount'
    added = ubl.read(small(paid, replace=("<cbc:PayableAmount", gross)))
    assert [p.for_others for p in added.content.prepayments] == [True]
    assert added.warnings == ()
    before = gross.replace(">6<", ">14<")
    taken = ubl.read(small(paid, replace=("<cbc:PayableAmount", before)))
    assert [p.for_others for p in taken.content.prepayments] == [False]


@pytest.mark.parametrize(
    ("stated", "shown"), [("a", "1.a"), ("1.1", "1.1"), ("1 1", "1 1"), ("12", "1.12"), ("", "1.1")]
)
def test_a_part_of_a_line_has_a_clear_id(stated, shown):
    item = "<cac:Item><cbc:Name>a</cbc:Name></cac:Item>"
    part = f"<cac:SubInvoiceLine><cbc:ID>{stated}</cbc:ID>{item}</cac:SubInvoiceLine>"
    body = f"<cac:InvoiceLine><cbc:ID>1</cbc:ID>{item}{part}</cac:InvoiceLine>"
    assert [line.id for line in ubl.read(small(body)).content.lines] == ["1", shown]


def test_several_taxes_are_added_up_and_a_repeated_total_is_not():
    def totals(*amounts: str) -> str:
        return "".join(f"<cac:TaxTotal>{a}</cac:TaxTotal>" for a in amounts)

    one = '<cbc:TaxAmount currencyID="EUR">3</cbc:TaxAmount>'
    rows = f"{one}<cac:TaxSubtotal>{one}<cac:TaxCategory><cbc:ID>S</cbc:ID></cac:TaxCategory>"
    rows += "</cac:TaxSubtotal>"
    assert ubl.read(small(totals(one, one))).content.totals.tax == 600
    same = "<cbc:TaxCurrencyCode>EUR</cbc:TaxCurrencyCode>"
    assert ubl.read(small(same + totals(rows, one))).content.totals.tax == 300


def test_what_is_to_pay_is_computed_where_only_lines_are_stated():
    line = (
        '<cac:InvoiceLine><cbc:LineExtensionAmount currencyID="EUR">12.5</cbc:LineExtensionAmount>'
        "<cac:Item><cbc:Name>Lamp</cbc:Name></cac:Item></cac:InvoiceLine>"
    )
    data = small(
        line, replace=('<cbc:PayableAmount currencyID="EUR">10.00</cbc:PayableAmount>', "")
    )
    parsed = ubl.read(data)
    assert parsed.content.totals.payable == 1250
    assert "12.5 was computed" in parsed.warnings[0].sentence


def test_finer_totals_are_rounded_half_up_with_a_warning():
    parsed = ubl.read(small(replace=("10.00", "10.005")))
    assert parsed.content.totals.payable == 1001
    assert [w.sentence for w in parsed.warnings] == [
        "10.005 has more decimals than EUR knows; it was rounded to 10.01."
    ]


def test_a_name_too_long_for_a_line_is_kept_as_description():
    name = "lamp " * 150
    body = f"<cac:InvoiceLine><cac:Item><cbc:Name>{name}</cbc:Name></cac:Item></cac:InvoiceLine>"
    line = ubl.read(small(body)).content.lines[0]
    assert line.name.endswith("…")
    assert line.description == name.strip()


def test_a_transport_envelope_is_opened():
    wrapped = (
        b"<StandardBusinessDocument xmlns='urn:x'><H/>" + small() + b"</StandardBusinessDocument>"
    )
    assert ubl.read(wrapped).content.number == "7"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "windows-1252"])
def test_encodings(encoding):
    declared = encoding.removesuffix("-sig")
    text = f'<?xml version="1.0" encoding="{declared}"?>' + small().decode()
    data = text.replace(">Them<", ">Café Böhm<").encode(encoding)
    assert ubl.read(data).content.buyer.name == "Café Böhm"


# --- faults -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("<cbc:ID>7</cbc:ID>", "", "line 3, Invoice/ID: The invoice has no number"),
        ("<cbc:ID>7</cbc:ID>", "<cbc:ID> </cbc:ID>", "line 4, Invoice/ID: The invoice has no num"),
        ("<cbc:IssueDate>2026-03-02</cbc:IssueDate>", "", "line 3, Invoice/IssueDate: "),
        ("2026-03-02", "02.03.2026", "line 5, Invoice/IssueDate: “02.03.2026” is not a date"),
        ("2026-03-02", "2026-02-30", "line 5, Invoice/IssueDate: “2026-02-30” is not a date"),
        ("EUR</", "EURO</", "line 6, Invoice/DocumentCurrencyCode: “EURO” is not an ISO 4217"),
        ("<cbc:Name>Us</cbc:Name>", "", "line 7, Invoice/AccountingSupplierParty/Party/PartyName"),
        ("<cbc:Name>Them</cbc:Name>", "", "The buyer has no name"),
        ("10.00", "NaN", "“NaN” is not a decimal number"),
        ("10.00", "1e400", "“1e400” is not a decimal number"),
        ("10.00", "10,00", "“10,00” is not a decimal number"),
        ("10.00", "9" * 20, "is too large or too small"),
        ("10.00", "1" * 5000, "has more digits than any amount needs"),
        ("10.00", "", "states no amount to pay (PayableAmount)"),
        ('currencyID="EUR"', 'currencyID="USD"', "This amount is in “USD”, but the document is"),
        (">Them<", f">{'x' * 10_000}<", "is longer than 500 characters"),
        (">Them<", ">Th\x7fem<", "contains characters that cannot be shown"),
    ],
)
def test_a_fault_is_named_with_its_place(old, new, said):
    found = faults(small(replace=(old, new)))
    assert len(found) == 1
    assert said in found[0]


def test_all_faults_are_found_at_once():
    body = """<cac:AllowanceCharge><cbc:Amount currencyID="EUR">x</cbc:Amount></cac:AllowanceCharge>
<cac:InvoiceLine><cbc:ID>1</cbc:ID></cac:InvoiceLine>
<cac:InvoiceLine><cbc:LineExtensionAmount currencyID="SEK">1</cbc:LineExtensionAmount>
</cac:InvoiceLine>"""
    found = faults(small(body, replace=("2026-03-02", "soon")))
    assert [fault.partition(": ")[0] for fault in found] == [
        "line 5, Invoice/IssueDate",
        "line 11, Invoice/AllowanceCharge/Amount",
        "line 11, Invoice/AllowanceCharge/ChargeIndicator",
        "line 13, Invoice/InvoiceLine[2]/LineExtensionAmount",
    ]


def test_damaged_base64_is_named():
    def embedded(text: str) -> bytes:
        return small(
            "<cac:AdditionalDocumentReference><cbc:ID>D</cbc:ID><cac:Attachment>"
            f"<cbc:EmbeddedDocumentBinaryObject>{text}</cbc:EmbeddedDocumentBinaryObject>"
            "</cac:Attachment></cac:AdditionalDocumentReference>"
        )

    assert "not valid base64" in faults(embedded("%%%"))[0]
    assert "not valid base64" in faults(embedded("YWJ"))[0]
    assert ubl.read(embedded("YWJj")).attachments == {hashlib.sha256(b"abc").hexdigest(): b"abc"}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"PK\x03\x04....", "ZIP"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"<html><body></body></html>", "web page"),
        (b'{"kind": "invoice"}', "JSON"),
        (b"Dear Sir,", "not an XML file"),
        (b"<Invoice><a></Invoice>", "line 1: The file is not well-formed XML at column"),
        (b"<Invoice/>", "namespace “none”"),
        (b"<DespatchAdvice/>", "The root element is “DespatchAdvice”"),
        (b"<CrossIndustryInvoice/>", "CII"),
        (b"<Invoice>\0</Invoice>", "not well-formed"),
        (b'<?xml version="1.0" encoding="utf-8"?><Invoice>\xe9</Invoice>', "not well-formed"),
        (b'<?xml version="1.0" encoding="klingon"?><Invoice/>', "ncoding"),
        ('<?xml version="1.0" encoding="utf-7"?><a/>'.encode("utf-7"), "not"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "DOCTYPE"),
        (b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><a/>', "DOCTYPE"),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "DOCTYPE"),
        (b"<a>&x;</a>", "not well-formed"),
        (b"<a>" * 100 + b"</a>" * 100, "nested"),
        (b"<a>" * 5000, "nested"),
    ],
)
def test_what_is_no_business_document_is_refused(data, said):
    assert said in faults(data)[0]


def test_entities_do_not_multiply():
    layers = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 20))
    bomb = f'<!DOCTYPE a [<!ENTITY e0 "ha">{layers}]><a b="&e19;">&e19;</a>'.encode()
    assert "DOCTYPE" in faults(bomb)[0]
    assert "DOCTYPE" in faults(bomb.decode().encode("utf-16"))[0]


def test_xinclude_is_not_followed():
    body = '<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="/etc/passwd" parse="text"/>'
    assert "root:" not in ubl.read(small(body)).content.canonical()
    inside = small(replace=("<cbc:Name>Them</cbc:Name>", body))
    assert "The buyer has no name" in faults(inside)[0]


def test_size_is_limited():
    with pytest.raises(BadFile, match=r"at most 0\.0 MB fit"):
        ubl.read(INVOICE, most_bytes=1000)


def test_too_many_lines_are_refused_with_one_sentence():
    line = "<cac:InvoiceLine><cac:Item><cbc:Name>a</cbc:Name></cac:Item></cac:InvoiceLine>"
    assert "more than 10000" in faults(small(line * 10_001))[0]


def test_unknown_elements_do_not_matter():
    odd = b"<odd:x xmlns:odd='urn:o'><odd:ID>9</odd:ID></odd:x>"
    parts = re.split(
        rb"(</(?:Party|Item|TaxTotal|InvoiceLine|LegalMonetaryTotal|u:Invoice)>)", INVOICE
    )
    data = b"".join(odd + part if part.startswith(b"</") else part for part in parts)
    assert data.count(odd) > 10
    assert ubl.read(data).content == ubl.read(INVOICE).content


# --- nothing else is ever raised --------------------------------------------------------------

_NASTY = [
    b"", b"<", b">", b"&", b"\0", b"\xff", b"NaN", b"1e400", b"-", b"0", b"99999999999999999999",
    b"<cbc:ID/>", b"2026-13-45", b"x" * 600, b"\xed\xa0\x80", b"&#x7f;", b"&#xD800;", b"</a>", b" ",
]  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(FILES),
    st.lists(
        st.tuples(st.integers(0, 20_000), st.integers(0, 40), st.sampled_from(_NASTY)),
        min_size=1,
        max_size=4,
    ),
)
def test_a_damaged_file_is_read_or_refused(data, edits):
    for at, cut, put in edits:
        at %= len(data)
        data = data[:at] + put + data[at + cut :]
    assert read_or_refused(data)


_VALUES = ["", " ", "NaN", "-0", "1e5", "0.0000000000001", "9" * 15, "9" * 29, "-5", "abc", "x" * 501,
           "2026-01-01", "0001-01-01", "9999-12-31", "true", "EUR", "JPY", "\x7f", "\u202e", "a\nb"]  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(FILES),
    st.lists(st.tuples(st.integers(0, 500), st.sampled_from(_VALUES)), min_size=1, max_size=6),
)
def test_odd_values_are_read_or_refused(data, edits):
    spans = [m.span(1) for m in re.finditer(rb">([^<>]+)</", data)]
    changes = {spans[which % len(spans)]: value for which, value in edits}
    for (start, end), value in sorted(changes.items(), reverse=True):
        data = data[:start] + value.encode() + data[end:]
    assert read_or_refused(data)

"""A whole UBL document (EN 16931 and OASIS UBL 2.1) as the value that Portico keeps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from portico.formats import is_currency
from portico.records.content import (
    DocumentContent,
    Kind,
    Line,
    OtherParty,
    Party,
    Property,
    Totals,
)
from portico.services.imports.checks import check_sums
from portico.services.imports.parsed import FileWarning, ParsedDocument, hints_of
from portico.services.imports.refusals import BadFile, Problem, quoted, why
from portico.services.imports.ubl import titles
from portico.services.imports.ubl.delivery import deliveries
from portico.services.imports.ubl.element import Element, Reading, plain
from portico.services.imports.ubl.lines import lines
from portico.services.imports.ubl.money import (
    TaxTotals,
    allowances,
    minor,
    prepayments,
    tax_groups,
)
from portico.services.imports.ubl.parties import party, period
from portico.services.imports.ubl.payments import due_on, payment_means, payment_terms
from portico.services.imports.ubl.references import document_references
from portico.services.imports.ubl.source import MOST_BYTES, parse

_NAMESPACE = "urn:oasis:names:specification:ubl:schema:xsd:{}-2"
_KINDS = {
    "Invoice": Kind.INVOICE,
    "CreditNote": Kind.CREDIT_NOTE,
    "Order": Kind.SALES_ORDER,
    "Quotation": Kind.QUOTE,
}
_CALLED = {
    "Invoice": "invoice",
    "CreditNote": "credit note",
    "Order": "order",
    "Quotation": "quotation",
}
_SELLERS = ("AccountingSupplierParty", "SellerSupplierParty")
_BUYERS = {
    "Invoice": ("AccountingCustomerParty", "BuyerCustomerParty", "OriginatorCustomerParty"),
    "CreditNote": ("AccountingCustomerParty", "BuyerCustomerParty", "OriginatorCustomerParty"),
    "Order": ("BuyerCustomerParty", "AccountingCustomerParty", "OriginatorCustomerParty"),
    "Quotation": ("BuyerCustomerParty", "OriginatorCustomerParty", "AccountingCustomerParty"),
}
_OTHER_ROLES = {
    "AccountingSupplierParty": "Invoiced by",
    "SellerSupplierParty": "Sold by",
    "AccountingCustomerParty": "Invoice to",
    "BuyerCustomerParty": "Bought by",
    "FreightForwarderParty": "Freight forwarder",
    "ContractorCustomerParty": "Contractor",
}
_TOTALS = ("LegalMonetaryTotal", "AnticipatedMonetaryTotal", "QuotedMonetaryTotal",
           "RequestedMonetaryTotal")  # fmt: skip
_TOTAL_FIELDS = {
    "lines": "LineExtensionAmount",
    "allowances": "AllowanceTotalAmount",
    "charges": "ChargeTotalAmount",
    "net": "TaxExclusiveAmount",
    "gross": "TaxInclusiveAmount",
    "prepaid": "PrepaidAmount",
    "rounding": "PayableRoundingAmount",
    "payable": "PayableAmount",
}
_DETAILS = {
    "IssueTime": "Time of issue",
    "CustomerReference": "Customer reference",
    "PricingCurrencyCode": "Currency of the prices",
    "PaymentCurrencyCode": "Currency of payment",
    "PaymentAlternativeCurrencyCode": "Alternative currency of payment",
    "LegalMonetaryTotal/PayableAlternativeAmount": "Payable in the alternative currency",
    "DiscrepancyResponse/ReferenceID": "Concerns",
    "DiscrepancyResponse/ResponseCode": "Reason code",
    "ValidityPeriod/DurationMeasure": "Valid for",
    "DestinationCountry/IdentificationCode": "Country of destination",
}
# EN 16931 puts the subject code of a note (BT-21) before its text.
_SUBJECT = re.compile(r"#[A-Z]{3}#\s*")


def read(data: bytes, *, most_bytes: int = MOST_BYTES) -> ParsedDocument:
    """The document in *data*, a UBL 2.x Invoice, CreditNote, Order or Quotation.

    Amounts are kept as stated; where they do not add up, a warning says so. Raises BadFile with
    every fault that was found.
    """
    reading = Reading()
    root = _root(parse(data, most_bytes), reading)
    content = _Document(root).content()
    if reading.problems or content is None:
        problems = dict.fromkeys(reading.problems)
        raise BadFile(sorted(problems, key=lambda problem: problem.line or 0))
    return ParsedDocument(
        content=content,
        external_id=content.number,
        customer=hints_of(content.buyer, _accounts(root)),
        warnings=tuple(dict.fromkeys((*reading.warnings, *check_sums(content)))),
        attachments=_kept(content, reading.attachments),
    )


def _root(node: Any, reading: Reading) -> Element:
    """The business document: the root, or what a transport envelope holds."""
    root = Element(node, reading)
    if root.tag == "StandardBusinessDocument":
        inner = [Element(child, reading) for child in root.foreign()]
        root = next((e for e in inner if e.tag in _KINDS), root)
    if root.tag in _KINDS and root.namespace == _NAMESPACE.format(root.tag):
        return root
    if root.tag == "CrossIndustryInvoice":
        hint = "This is an invoice in UN/CEFACT's format (CII, ZUGFeRD, Factur-X), not in UBL."
    elif root.tag in _KINDS:
        hint = (
            f"The {root.tag} is in the namespace {quoted(root.namespace or 'none')}; "
            f"UBL's is {_NAMESPACE.format(root.tag)}."
        )
    else:
        hint = f"The root element is {quoted(root.tag)}."
    sentence = f"{hint} Portico reads UBL Invoice, CreditNote, Order and Quotation."
    raise BadFile([Problem(sentence, root.tag[:100], root.line)])


def _accounts(root: Element) -> tuple[str, ...]:
    """The buyer's numbers, that with the seller first."""
    buyer = root.one(*_BUYERS[root.tag])
    paths = ("SupplierAssignedAccountID", "CustomerAssignedAccountID", "AdditionalAccountID")
    return tuple(buyer.names(*paths)) if buyer else ()


class _Document:
    """One root element on its way to a DocumentContent."""

    def __init__(self, root: Element) -> None:
        self.root = root
        self.called = _CALLED[root.tag]
        self.reading = root.reading
        self.lines: tuple[Line, ...] = ()

    def content(self) -> DocumentContent | None:
        """The content, or ``None`` where something it cannot do without is missing or faulty."""
        root = self.root
        currency = self._currency()
        self.reading.currency = currency
        self.lines = lines(root)
        kind, type_code, title = self._kind()
        values: dict[str, Any] = {
            "kind": kind,
            "number": self._required("ID", "number", root.name("ID")),
            "title": title,
            "type_code": type_code,
            "currency": currency,
            "issued_on": self._required("IssueDate", "date of issue", root.date("IssueDate")),
            "due_on": due_on(root),
            "valid_until": root.date("ValidityPeriod/EndDate"),
            "tax_point_on": root.date("TaxPointDate"),
            "period": period(root.one("InvoicePeriod")),
            **self._parties(),
            "buyer_reference": root.name("BuyerReference"),
            "customer_account": next(iter(_accounts(root)), None),
            "accounting_cost": ", ".join(root.names("AccountingCost", "AccountingCostCode"))
            or None,
            "references": document_references(root),
            "notes": tuple(self._notes()),
            "deliveries": deliveries(root),
            "payment_means": payment_means(root),
            "payment_terms": payment_terms(root),
            "lines": self.lines,
            "allowances": allowances(root),
            "withholding": tax_groups(root.all("WithholdingTaxTotal")),
            "exchange_rate": self._exchange_rate(),
        }
        if currency is not None:
            values |= self._money(currency)
        return None if self.reading.problems else self._build(values)

    def _build(self, values: dict[str, Any]) -> DocumentContent | None:
        try:
            return DocumentContent(**values)
        except ValidationError as error:
            for found in error.errors(include_url=False):
                self.root.fault(f"{why(found)} ({'.'.join(str(step) for step in found['loc'])})")
            return None

    # --- head ---------------------------------------------------------------------------------

    def _required(self, tag: str, called: str, value: Any) -> Any:
        """*value*, or a problem that names the missing element (a faulty one is named already)."""
        if value is None and not any(e.raw for e in self.root.all(tag)):
            element = self.root.one(tag) or self.root
            place = "" if element is not self.root else tag
            element.fault(f"The {self.called} has no {called} ({tag}).", place)
        return value

    def _currency(self) -> str | None:
        """BT-5. Orders and quotations may leave it out: then their amounts say it."""
        paths = ("DocumentCurrencyCode", "PricingCurrencyCode")
        element = next((e for e in self.root.each(*paths) if e.raw), None)
        stated = element.raw.upper() if element else None
        if element is None:
            amounts = [f"{total}/PayableAmount" for total in _TOTALS]
            amounts += [f"{total}/LineExtensionAmount" for total in _TOTALS]
            found = (e.attribute("currencyID") for e in self.root.each(*amounts))
            stated = next((code.upper() for code in found if code), None)
        if stated is None:
            self._required("DocumentCurrencyCode", "currency", None)
            return None
        if not is_currency(stated):
            (element or self.root).fault(f"{quoted(stated)} is not an ISO 4217 currency code.")
            return None
        return stated

    def _kind(self) -> tuple[Kind, str | None, str | None]:
        """Kind, type code (BT-3), and the title where it is not the plain one."""
        tag = self.root.tag
        kind = _KINDS[tag]
        if tag == "Order":
            code = self.root.name("OrderTypeCode")
            return kind, code, titles.ORDERS.get(code or "")
        if tag == "Quotation":
            return kind, None, None
        code = self.root.name("InvoiceTypeCode", "CreditNoteTypeCode")
        if tag == "Invoice" and code in titles.CREDITS:
            self.root.warn(
                f"This has the form of an invoice, but its type code {code} makes it a credit "
                "note; it was imported as one."
            )
            kind = Kind.CREDIT_NOTE
        names = titles.INVOICES | titles.CREDIT_NOTES
        return kind, code, names.get(code or "")

    def _notes(self) -> Iterator[str]:
        for note in self.root.texts("Note", "DiscrepancyResponse/Description"):
            text = _SUBJECT.sub("", note, count=1) if _SUBJECT.match(note) else note
            if text:
                yield text

    def _details(self) -> Iterator[Property]:
        root = self.root
        yield from root.details(_DETAILS)
        if root.flag("CopyIndicator"):
            yield Property(name="Copy", value="yes")
        start = root.date("ValidityPeriod/StartDate")
        if start and start != root.date("IssueDate"):
            yield Property(name="Valid from", value=start.isoformat())
        for account in _accounts(root)[1:]:
            yield Property(name="Further customer account", value=account)
        for element in root.all("InvoicePeriod")[1:]:
            further = period(element)
            if further:
                dates = " – ".join(str(day) for day in (further.start, further.end) if day)
                words = [dates, further.description or ""]
                yield Property(name="Further period", value=" ".join(w for w in words if w))

    # --- parties ------------------------------------------------------------------------------

    def _parties(self) -> dict[str, Any]:
        root = self.root
        seller_at = root.one(*_SELLERS)
        buyer_at = root.one(*_BUYERS[root.tag])
        taken = [e for e in (seller_at, buyer_at) if e is not None]
        originators = [e for e in root.all("OriginatorCustomerParty") if e not in taken]
        return {
            "seller": self._needed_party(seller_at, "seller", _SELLERS[0]),
            "buyer": self._needed_party(buyer_at, "buyer", _BUYERS[root.tag][0]),
            "payee": party(root.one("PayeeParty")),
            "tax_representative": party(root.one("TaxRepresentativeParty")),
            "originator": next((p for e in originators if (p := party(e))), None),
            "other_parties": tuple(
                OtherParty(role=role, party=found)
                for tag, role in _OTHER_ROLES.items()
                for e in root.all(tag)
                if e not in taken and (found := party(e))
            ),
        }

    def _needed_party(self, element: Element | None, role: str, tag: str) -> Party | None:
        if element is None:
            self.root.fault(f"The {self.called} does not say who the {role} is.", tag)
            return None
        before = len(self.reading.problems)
        found = party(element)
        if found is None and len(self.reading.problems) == before:
            element.fault(
                f"The {role} has no name (PartyName or RegistrationName).", "Party/PartyName/Name"
            )
        return found

    # --- money --------------------------------------------------------------------------------

    def _money(self, currency: str) -> dict[str, Any]:
        tax_currency = self._tax_currency()
        taxes = TaxTotals(self.root, currency, tax_currency)
        totals = self._totals(currency, taxes)
        return {
            "taxes": taxes.groups(),
            "tax_currency": tax_currency,
            "tax_in_tax_currency": taxes.accounting(),
            "totals": totals,
            "prepayments": prepayments(self.root, totals),
            "details": (*self._details(), *self._exchange_details(), *taxes.details()),
        }

    def _tax_currency(self) -> str | None:
        element = self.root.one("TaxCurrencyCode")
        if element is None or not element.raw:
            return None
        code = element.raw.upper()
        if not is_currency(code):
            element.fault(f"{quoted(code)} is not an ISO 4217 currency code.")
            return None
        return code

    def _totals(self, currency: str, taxes: TaxTotals) -> Totals | None:
        """BG-22 in minor units, as stated; what has to be paid is computed where it is missing."""
        before = len(self.reading.problems)
        element = self.root.one(*_TOTALS)
        amounts: dict[str, Decimal] = {}
        values: dict[str, int] = {}
        for name, tag in _TOTAL_FIELDS.items():
            found = element.one(tag) if element else None
            amount = found.own_amount() if found else None
            if found is not None and amount is not None:
                amounts[name] = amount
                values[name] = minor(found, amount, currency)
        tax = taxes.tax()
        if tax is not None:
            values["tax"] = minor(self.root.one("TaxTotal") or self.root, tax, currency)
        if len(self.reading.problems) > before:
            return None
        if "payable" not in values:
            payable = self._derived_payable(amounts, tax)
            if payable is None:
                place = "" if element else f"{_TOTALS[0]}/PayableAmount"
                (element or self.root).fault(
                    f"The {self.called} states no amount to pay (PayableAmount), "
                    "and nothing it could be computed from.",
                    place or "PayableAmount",
                )
                return None
            values["payable"] = minor(self.root, payable, currency)
        return (element or self.root).build(Totals, **values)

    def _derived_payable(self, amounts: dict[str, Decimal], tax: Decimal | None) -> Decimal | None:
        zero = Decimal()
        gross = amounts.get("gross")
        if gross is None:
            net = amounts.get("net")
            if net is None:
                net = amounts.get("lines", self._sum_of_lines())
                if net is None:
                    return None
                net += amounts.get("charges", zero) - amounts.get("allowances", zero)
            gross = net + (tax or zero)
        payable = gross - amounts.get("prepaid", zero) + amounts.get("rounding", zero)
        self.reading.warnings.append(
            FileWarning(
                f"The file states no amount to pay; {plain(payable)} was computed.",
                f"{self.root.tag}/PayableAmount",
                self.root.line,
            )
        )
        return payable

    def _sum_of_lines(self) -> Decimal | None:
        found = [line.amount for line in self.lines if not line.parent]
        amounts = [Decimal(amount) for amount in found if amount is not None]
        return sum(amounts, Decimal()) if amounts and len(amounts) == len(found) else None

    # --- exchange rates -----------------------------------------------------------------------

    def _exchange_rate(self) -> str | None:
        return self.root.number("TaxExchangeRate/CalculationRate", "PricingExchangeRate/CalculationRate",
                                "PaymentExchangeRate/CalculationRate")  # fmt: skip

    def _exchange_details(self) -> Iterator[Property]:
        rates = ("TaxExchangeRate", "PricingExchangeRate", "PaymentExchangeRate",
                 "PaymentAlternativeExchangeRate")  # fmt: skip
        for element in self.root.each(*rates):
            rate = element.number("CalculationRate")
            source, target = element.name("SourceCurrencyCode"), element.name("TargetCurrencyCode")
            if rate is None or not (source or target):
                continue
            day = element.date("Date")
            how = {"Multiply": "×", "Divide": "÷"}.get(
                element.name("MathematicOperatorCode") or "", ""
            )
            value = f"{source or '?'} → {target or '?'} {how}{rate}" + (f" ({day})" if day else "")
            yield Property(name="Exchange rate", value=value)


def _kept(content: DocumentContent, attachments: dict[str, bytes]) -> dict[str, bytes]:
    """The files that the content names; one in an element we do not show is not kept."""
    if not attachments:
        return {}
    text = content.canonical()
    return {digest: data for digest, data in attachments.items() if digest in text}

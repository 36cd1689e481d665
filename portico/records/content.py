"""What a document says, as one value.

A revision holds exactly one :class:`DocumentContent`. What the customer sees, what is hashed
as evidence (spec L8) and what the PDF is made from is this value, in its canonical JSON form.
Imports, forms, pages, PDF and API share the type. Field names follow UBL 2.1 where it has one.

Prices, quantities, rates and the amounts of single lines are decimal strings, because real
invoices have prices of 0.496; the totals are whole minor units of ``currency``.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Annotated

from babel.core import get_global
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

# Everything below a space but tab and line breaks, and lone surrogates, which no database,
# PDF or mail can hold.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class Kind(StrEnum):
    """The kinds of document (spec, "Words"): seven commercial ones, then the shared work's."""

    QUOTE = "quote"
    INVOICE = "invoice"
    SALES_ORDER = "sales_order"
    SALES_RECEIPT = "sales_receipt"
    REFUND_RECEIPT = "refund_receipt"
    CREDIT_NOTE = "credit_note"
    STATEMENT = "statement"
    PROPOSAL = "proposal"
    REQUEST = "information_request"
    ACCEPTANCE = "acceptance"
    TIME_APPROVAL = "time_approval"


def _clean(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if _UNPRINTABLE.search(text):
        raise ValueError("contains characters that cannot be shown")
    return text


def _decimal(text: str) -> str:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        raise ValueError("is not a decimal number") from None
    if not number.is_finite():
        raise ValueError("is not a finite number")
    # 28 digits are what decimal arithmetic keeps exactly by default.
    digits = len(number.as_tuple().digits)
    if number.adjusted() > 17 or (number and number.adjusted() < -12) or digits > 28:
        raise ValueError("has more digits than any price needs")
    plain = format(number.normalize(), "f")
    return "0" if plain in {"-0", "0"} else plain


def _moment(value: dt.datetime) -> dt.datetime:
    if value.tzinfo is None:
        raise ValueError("needs its time zone, such as 2026-11-30T12:00:00+01:00")
    try:
        return value.astimezone(dt.UTC)
    except OverflowError:
        raise ValueError("lies too far away") from None


def _currency(code: str) -> str:
    if code not in get_global("all_currencies"):
        raise ValueError("is not an ISO 4217 currency code")
    return code


Text = Annotated[str, Field(max_length=10_000), AfterValidator(_clean)]
Name = Annotated[str, Field(max_length=500), AfterValidator(_clean)]
RequiredName = Annotated[str, Field(max_length=500), AfterValidator(_clean), Field(min_length=1)]
DecimalText = Annotated[str, Field(max_length=60), AfterValidator(_decimal)]
Moment = Annotated[dt.datetime, AfterValidator(_moment)]  # kept in UTC
Currency = Annotated[str, Field(min_length=3, max_length=3), AfterValidator(_currency)]
# The days that anything typed can be dated with.
EARLIEST, LATEST = dt.date(1900, 1, 1), dt.date(2200, 12, 31)
MOST = 10**15  # minor units that one paper or payment can be typed with
MinorUnits = Annotated[int, Field(ge=-(10**17), le=10**17)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Identifier(_Part):
    """A name in somebody's register: ``scheme`` says whose (GLN, 0088, VAT, ...)."""

    value: RequiredName
    scheme: Name | None = None


class Property(_Part):
    """A labelled fact. In ``details`` it is one that has no field of its own."""

    name: RequiredName
    value: Text


class Address(_Part):
    id: Identifier | None = None  # a location number
    lines: tuple[Name, ...] = Field(default=(), max_length=12)  # street, number, box, department
    postal_code: Name | None = None
    city: Name | None = None
    region: Name | None = None
    country: Name | None = None  # ISO 3166-1 alpha-2


class ContactDetails(_Part):
    id: Name | None = None
    name: Name | None = None
    role: Name | None = None
    phone: Name | None = None
    fax: Name | None = None
    email: Name | None = None
    notes: tuple[Text, ...] = ()


class Party(_Part):
    name: RequiredName  # the trading name, or the legal one where there is no other
    legal_name: Name | None = None
    legal_form: Name | None = None
    registration: Identifier | None = None  # company register
    tax_ids: tuple[Identifier, ...] = ()
    endpoint: Identifier | None = None  # where electronic documents reach the party
    identifiers: tuple[Identifier, ...] = ()
    address: Address | None = None
    registered_address: Address | None = None
    contact: ContactDetails | None = None
    further_contacts: tuple[ContactDetails, ...] = ()
    website: Name | None = None
    details: tuple[Property, ...] = ()


class OtherParty(_Part):
    """Somebody else with a part in it; ``role`` says which, in words for the page."""

    role: RequiredName
    party: Party


class Period(_Part):
    start: dt.date | None = None
    start_time: Name | None = None  # as stated
    end: dt.date | None = None
    end_time: Name | None = None
    description: Text | None = None


class Attachment(_Part):
    """A file that came inside the document; its bytes are kept by their SHA-256."""

    filename: RequiredName
    mime: Name
    size: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Reference(_Part):
    """Another paper this one points to. ``type`` is one of REFERENCE_TYPES."""

    type: RequiredName
    id: Name = ""
    scheme: Name | None = None  # of the id: UNCL 1153 or somebody's register
    line: Name | None = None  # the line meant in the other paper
    code: Name | None = None  # what it is, UNCL 1001
    description: Text | None = None
    issued_on: dt.date | None = None
    uri: Name | None = None
    attachment: Attachment | None = None


# How each type of reference is called on the page.
REFERENCE_TYPES: dict[str, str] = {
    "order": "Purchase order",
    "sales_order": "Sales order",
    "contract": "Contract",
    "project": "Project",
    "tender": "Tender or lot",
    "despatch": "Despatch advice",
    "receipt": "Receiving advice",
    "requisition": "Requisition",
    "invoice": "Preceding invoice",
    "credit_note": "Preceding credit note",
    "debit_note": "Preceding debit note",
    "reminder": "Reminder",
    "quotation": "Quotation",
    "request_for_quotation": "Request for quotation",
    "invoiced_object": "Invoiced object",
    "catalogue": "Catalogue",
    "document": "Document",
    "statement": "Statement",
}


class TaxCategory(_Part):
    code: Name | None = None  # UNCL 5305: S, Z, E, AE, K, G, O, ...
    percent: DecimalText | None = None
    scheme: Name | None = None  # VAT, GST, ...
    name: Name | None = None
    exemption_reason: Text | None = None
    exemption_code: Name | None = None


class TaxGroup(_Part):
    """One row of the tax breakdown, or of what the buyer withholds."""

    category: TaxCategory
    taxable: DecimalText | None = None
    amount: DecimalText


class AllowanceCharge(_Part):
    """Something taken off (allowance) or added (charge), on a line or on the whole document."""

    charge: bool
    amount: DecimalText  # always as stated; an allowance of 10 lowers the sum by 10
    reason: Text | None = None
    reason_code: Name | None = None
    percent: DecimalText | None = None
    base_amount: DecimalText | None = None
    tax: TaxCategory | None = None


class Delivery(_Part):
    """Where and when the goods go."""

    party: Name | None = None
    party_identifiers: tuple[Identifier, ...] = ()
    contact: ContactDetails | None = None
    location: Name | None = None
    location_id: Identifier | None = None
    address: Address | None = None
    delivered_on: dt.date | None = None
    requested: Period | None = None
    promised: Period | None = None
    terms: tuple[Text, ...] = ()
    tracking_id: Name | None = None
    details: tuple[Property, ...] = ()


class Line(_Part):
    id: Name | None = None
    parent: Name | None = None  # the id of the line this is a part of: its amount is in that one's
    name: RequiredName
    description: Text | None = None
    notes: tuple[Text, ...] = ()
    quantity: DecimalText | None = None
    unit: Name | None = None  # UN/ECE Recommendation 20, or free text
    price: DecimalText | None = None  # net, for base_quantity units
    base_quantity: DecimalText | None = None
    base_unit: Name | None = None  # where it is not ``unit``
    price_allowances: tuple[AllowanceCharge, ...] = ()
    allowances: tuple[AllowanceCharge, ...] = ()
    amount: DecimalText | None = None  # net, as stated
    tax_categories: tuple[TaxCategory, ...] = ()
    tax_amount: DecimalText | None = None
    seller_item_id: Name | None = None
    buyer_item_id: Name | None = None
    standard_item_id: Identifier | None = None
    classifications: tuple[Identifier, ...] = ()
    origin_country: Name | None = None
    properties: tuple[Property, ...] = ()
    period: Period | None = None
    deliveries: tuple[Delivery, ...] = ()
    references: tuple[Reference, ...] = ()  # order line, despatch line, object
    accounting_cost: Name | None = None


class PaymentMeans(_Part):
    code: Name | None = None  # UNCL 4461
    name: Text | None = None
    reference: Name | None = None  # what to state when paying
    due_on: dt.date | None = None
    account: Name | None = None  # IBAN or local number
    account_name: Name | None = None
    institution: Name | None = None  # BIC or bank
    card: Name | None = None  # never the whole number
    mandate: Name | None = None
    payer_account: Name | None = None
    instructions: tuple[Text, ...] = ()
    details: tuple[Property, ...] = ()


class Prepayment(_Part):
    """What was paid before; ``Totals.prepaid`` is the sum the file states."""

    id: Name | None = None
    amount: DecimalText
    paid_on: dt.date | None = None
    received_on: dt.date | None = None
    reference: Name | None = None
    for_others: bool = False  # no payment: collected for somebody else, it raises what is to pay


class Totals(_Part):
    """Whole minor units of the document's currency, exactly as the file states them."""

    lines: MinorUnits | None = None
    allowances: MinorUnits | None = None
    charges: MinorUnits | None = None
    net: MinorUnits | None = None  # tax exclusive
    tax: MinorUnits | None = None
    gross: MinorUnits | None = None  # tax inclusive
    prepaid: MinorUnits | None = None
    rounding: MinorUnits | None = None
    payable: MinorUnits


class StatementEntry(_Part):
    on: dt.date
    kind: RequiredName
    number: Name | None = None
    description: Text | None = None
    amount: MinorUnits  # positive: the customer owes more
    balance: MinorUnits  # after this entry


class AgeingBucket(_Part):
    label: RequiredName
    amount: MinorUnits


class StatementBody(_Part):
    period: Period
    opening: MinorUnits
    entries: tuple[StatementEntry, ...] = ()
    closing: MinorUnits
    ageing: tuple[AgeingBucket, ...] = ()


class FeeModel(StrEnum):
    """How a proposal is paid for (spec W3)."""

    FIXED_FEE = "fixed_fee"
    HOURLY_RATE = "hourly_rate"
    RETAINER = "retainer"
    MILESTONE = "milestone"

    @property
    def label(self) -> str:
        return {
            FeeModel.FIXED_FEE: "Fixed fee",
            FeeModel.HOURLY_RATE: "Hourly rate",
            FeeModel.RETAINER: "Retainer",
            FeeModel.MILESTONE: "Milestone",
        }[self]


class Chapter(_Part):
    heading: RequiredName
    body: Text


class ProposalBody(_Part):
    """What is proposed, chapter by chapter; the fee is the total."""

    fee_model: FeeModel
    chapters: tuple[Chapter, ...] = Field(default=(), max_length=100)


class Handover(_Part):
    """One thing that is to be accepted."""

    name: RequiredName
    description: Text | None = None


class AcceptanceBody(_Part):
    """What the customer confirms to have received as agreed (spec W5)."""

    confirms: Text
    items: tuple[Handover, ...] = Field(default=(), max_length=500)


class Wanted(StrEnum):
    TEXT = "text"
    FILE = "file"
    EITHER = "either"

    @property
    def label(self) -> str:
        return {
            Wanted.TEXT: "An answer in words",
            Wanted.FILE: "A file",
            Wanted.EITHER: "Words or a file",
        }[self]


class RequestedItem(_Part):
    name: RequiredName
    description: Text | None = None
    wants: Wanted = Wanted.EITHER


class RequestBody(_Part):
    """What the team needs to know or to have, item by item (spec W4)."""

    introduction: Text | None = None
    items: tuple[RequestedItem, ...] = Field(min_length=1, max_length=200)


class WorkedTime(_Part):
    on: dt.date
    person: RequiredName
    task: Name | None = None
    description: Text | None = None
    minutes: Annotated[int, Field(gt=0, le=24 * 60)]
    is_billable: bool = True


MOST_ENTRIES = 2000  # of time in one approval


class TimeBody(_Part):
    """The hours of a period, to be approved (spec W6)."""

    period: Period
    entries: tuple[WorkedTime, ...] = Field(min_length=1, max_length=MOST_ENTRIES)

    @property
    def minutes(self) -> int:
        return sum(entry.minutes for entry in self.entries)

    @property
    def billable_minutes(self) -> int:
        return sum(entry.minutes for entry in self.entries if entry.is_billable)


class DocumentContent(_Part):
    """Everything a customer may see of one revision of a document. Nothing internal is in it."""

    kind: Kind
    number: RequiredName
    title: Name | None = None
    type_code: Name | None = None  # UNCL 1001 (380 invoice, 381 credit note, 384 corrected, ...)
    currency: Currency
    issued_on: dt.date
    due_on: dt.date | None = None
    valid_until: dt.date | None = None
    tax_point_on: dt.date | None = None
    period: Period | None = None
    seller: Party
    buyer: Party
    payee: Party | None = None
    tax_representative: Party | None = None
    originator: Party | None = None
    other_parties: tuple[OtherParty, ...] = ()
    buyer_reference: Name | None = None
    customer_account: Name | None = None
    accounting_cost: Name | None = None
    references: tuple[Reference, ...] = ()
    notes: tuple[Text, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    payment_means: tuple[PaymentMeans, ...] = ()
    payment_terms: tuple[Text, ...] = ()
    terms: tuple[Text, ...] = ()
    lines: tuple[Line, ...] = Field(default=(), max_length=10_000)
    allowances: tuple[AllowanceCharge, ...] = ()
    taxes: tuple[TaxGroup, ...] = ()
    withholding: tuple[TaxGroup, ...] = ()
    tax_currency: Currency | None = None
    tax_in_tax_currency: MinorUnits | None = None
    exchange_rate: DecimalText | None = None
    prepayments: tuple[Prepayment, ...] = ()
    totals: Totals
    statement: StatementBody | None = None
    project: Name | None = None
    expires_at: Moment | None = None  # nothing is decided from then on
    proposal: ProposalBody | None = None
    request: RequestBody | None = None
    acceptance: AcceptanceBody | None = None
    time: TimeBody | None = None
    details: tuple[Property, ...] = ()

    def canonical(self) -> str:
        """One JSON text for one content: sorted keys, no blanks, empty fields left out."""
        return json.dumps(
            self.model_dump(mode="json", exclude_defaults=True),
            ensure_ascii=False,
            sort_keys=True,
            separators=(",", ":"),
        )


def fingerprint(canonical: str) -> str:
    """SHA-256, in hexadecimal, of a content's canonical JSON: the evidence of spec L8."""
    return hashlib.sha256(canonical.encode()).hexdigest()


# ISO 4217: currencies whose minor unit is not a hundredth. Babel's own table (CLDR) says how
# many decimals people use in cash, which for some currencies would round an invoice.
_DIGITS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI",
         "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}  # fmt: skip


def digits_of(currency: str) -> int:
    """Decimal places of a currency's minor unit by ISO 4217: EUR 2, JPY 0, KWD 3."""
    return _DIGITS.get(currency, 2)


def to_minor(amount: Decimal, currency: str) -> int:
    """*amount* in whole minor units. Raises ValueError where it has finer parts than that."""
    scaled = amount.scaleb(digits_of(currency))
    if scaled != scaled.to_integral_value():
        raise ValueError(f"has more decimals than {currency} knows")
    return int(scaled)


def from_minor(minor: int, currency: str) -> Decimal:
    """Whole minor units as a decimal number of the currency."""
    return Decimal(minor).scaleb(-digits_of(currency))

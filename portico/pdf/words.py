"""What kinds, codes and totals are called on paper."""

from __future__ import annotations

from portico.records.content import AllowanceCharge, DocumentContent, Kind, TaxCategory

KINDS = {
    Kind.QUOTE: "Quote",
    Kind.INVOICE: "Invoice",
    Kind.SALES_ORDER: "Sales order",
    Kind.SALES_RECEIPT: "Sales receipt",
    Kind.REFUND_RECEIPT: "Refund receipt",
    Kind.CREDIT_NOTE: "Credit note",
    Kind.STATEMENT: "Statement",
    Kind.PROPOSAL: "Proposal",
    Kind.REQUEST: "Request",
    Kind.ACCEPTANCE: "Acceptance",
    Kind.TIME_APPROVAL: "Time approval",
}
# What is about no money, unless it states some.
_WITHOUT_AMOUNT = frozenset({Kind.REQUEST, Kind.ACCEPTANCE, Kind.TIME_APPROVAL})

# UNCL 1001 types whose name says more than the kind does.
_TYPES = {
    "261": "Self-billed credit note",
    "326": "Partial invoice",
    "384": "Corrected invoice",
    "386": "Prepayment invoice",
    "389": "Self-billed invoice",
    "393": "Factored invoice",
    "396": "Factored credit note",
    "325": "Pro forma invoice",
}

_PAYABLE = {
    Kind.INVOICE: "Amount due",
    Kind.CREDIT_NOTE: "Total credit",
    Kind.REFUND_RECEIPT: "Total refunded",
    Kind.STATEMENT: "Balance",
}

# UNCL 4461 as a customer would say it; "1" (not defined) and unknown codes say nothing.
_PAYMENT_MEANS = {
    "10": "Cash",
    "20": "Cheque",
    "30": "Credit transfer",
    "31": "Debit transfer",
    "42": "Bank transfer",
    "48": "Bank card",
    "49": "Direct debit",
    "54": "Credit card",
    "55": "Debit card",
    "57": "Standing agreement",
    "58": "SEPA credit transfer",
    "59": "SEPA direct debit",
    "68": "Online payment",
    "97": "Clearing between partners",
    "ZZZ": "As agreed",
}

# UNCL 5305 categories that explain a rate of nothing.
_TAX_CATEGORIES = {
    "Z": "zero rated",
    "E": "exempt",
    "AE": "reverse charge",
    "K": "intra-community supply",
    "G": "export",
    "O": "not subject to tax",
    "L": "Canary Islands",
    "M": "Ceuta and Melilla",
}


def kind_label(content: DocumentContent) -> str:
    """What the document is called at its head: ``Invoice``, ``Corrected invoice``."""
    return _TYPES.get(content.type_code or "", KINDS[content.kind])


def has_amount(content: DocumentContent) -> bool:
    """Whether its totals say anything."""
    return content.kind not in _WITHOUT_AMOUNT or content.totals.payable != 0


def payable_label(content: DocumentContent) -> str:
    """What the last line of the totals is called."""
    return _PAYABLE.get(content.kind, "Total")


def payment_means(code: str | None) -> str:
    """A UNCL 4461 code in words; nothing where the code says nothing."""
    return _PAYMENT_MEANS.get(code or "", "")


def tax_name(category: TaxCategory, rate: str) -> str:
    """``VAT 25%``, ``VAT 0%, reverse charge``; *rate* is the formatted percentage or nothing."""
    name = category.name if category.name != category.scheme else None
    kind = _TAX_CATEGORIES.get(category.code or "", "")
    label = " ".join(filter(None, (category.scheme, name, rate))) or "Tax"
    return f"{label}, {kind}" if kind and kind not in label.lower() else label


def adjustment(item: AllowanceCharge) -> str:
    """The reason of an allowance or a charge, or what it is where none is given."""
    return item.reason or ("Charge" if item.charge else "Discount")

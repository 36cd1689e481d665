"""How and when to pay (EN 16931 BG-16 to BG-19, BT-9, BT-20)."""

from __future__ import annotations

import datetime as dt
import re

from portico.records.content import PaymentMeans, Property
from portico.services.imports.ubl.element import Element
from portico.services.imports.ubl.parties import period

_SHOWN_OF_CARD = 4
# XRechnung writes discounts into the note: #SKONTO#TAGE=14#PROZENT=2.00#BASISBETRAG=252.94#
_GERMAN_TERMS = re.compile(
    r"#(SKONTO|VERZUG)#TAGE=(\d+)#PROZENT=(\d+(?:\.\d+)?)#(?:BASISBETRAG=(-?\d+(?:\.\d+)?)#)?"
)
_BRANCH = "PayeeFinancialAccount/FinancialInstitutionBranch"


def payment_means(root: Element) -> tuple[PaymentMeans, ...]:
    """Every way to pay that the document names."""
    return tuple(made for e in root.all("PaymentMeans") if (made := _means(e)))


def payment_terms(root: Element) -> tuple[str, ...]:
    """The terms as texts: the notes as written, structured terms as a sentence each."""
    found: list[str] = []
    for element in root.all("PaymentTerms"):
        found += [_GERMAN_TERMS.sub(_in_words, note).strip() for note in element.texts("Note")]
        found += _structured(element)
    return tuple(dict.fromkeys(found))


def due_on(root: Element) -> dt.date | None:
    """BT-9. Credit notes and UBL 2.0 have it with the payment; of several the first is due."""
    stated = root.date("DueDate")
    if stated:
        return stated
    paths = ("PaymentMeans/PaymentDueDate", "PaymentTerms/PaymentDueDate",
             "PaymentTerms/InstallmentDueDate", "PaymentTerms/SettlementPeriod/EndDate")  # fmt: skip
    for path in paths:
        parent, _, tag = path.rpartition("/")
        dates = [day for e in root.all(parent) if (day := e.date(tag))]
        if dates:
            return min(dates)
    return None


def _in_words(match: re.Match[str]) -> str:
    kind, days, percent, base = match.groups()
    what = "discount if paid within" if kind == "SKONTO" else "interest when later than"
    return f"{percent}% {what} {days} days" + (f" (on {base})" if base else "")


def _means(element: Element) -> PaymentMeans | None:
    code = element.one("PaymentMeansCode")
    references = element.names("PaymentID", "InstructionID")
    accounts = element.names("PayeeFinancialAccount/ID", "CreditAccount/AccountID")
    banks = element.names(f"{_BRANCH}/FinancialInstitution/ID", f"{_BRANCH}/ID")
    banks += element.names(f"{_BRANCH}/FinancialInstitution/Name", f"{_BRANCH}/Name")
    mandate = "PaymentMandate"
    more = [("Further reference", r) for r in references[1:]]
    more += [("Further account", a) for a in accounts[1:]]
    more += [("Bank", b) for b in banks[1:]]
    details = [Property(name=label, value=value) for label, value in more]
    built = element.build(
        PaymentMeans,
        code=code.own_name() if code else None,
        name=code.attribute("name") if code else None,
        reference=next(iter(references), None),
        due_on=element.date("PaymentDueDate"),
        account=next(iter(accounts), None),
        account_name=element.name("PayeeFinancialAccount/Name"),
        institution=next(iter(banks), None),
        card=_masked(element.name("CardAccount/PrimaryAccountNumberID")),
        mandate=element.name(f"{mandate}/ID"),
        payer_account=element.name(
            f"{mandate}/PayerFinancialAccount/ID", "PayerFinancialAccount/ID"
        ),
        instructions=tuple(element.texts("InstructionNote", "PayeeFinancialAccount/PaymentNote")),
        details=(*details, *_details(element)),
    )
    return built if built != PaymentMeans() else None


def _details(element: Element) -> list[Property]:
    return element.details(
        {
            "PaymentChannelCode": "Payment channel",
            "PayeeFinancialAccount/CurrencyCode": "Currency of the account",
            f"{_BRANCH}/Address/CityName": "City of the bank",
            f"{_BRANCH}/Address/Country/IdentificationCode": "Country of the bank",
            "CardAccount/NetworkID": "Card network",
            "CardAccount/HolderName": "Card holder",
        }
    )


def _masked(number: str | None) -> str | None:
    """The last four digits of a card (BT-87 allows six at most): the whole number is secret."""
    if number is None:
        return None
    digits = [c for c in number if c.isalnum()]
    return "•••• " + "".join(digits[-_SHOWN_OF_CARD:]) if len(digits) > _SHOWN_OF_CARD else "••••"


def _structured(element: Element) -> list[str]:
    """Discounts, penalties and instalments, which UBL states as numbers and periods."""
    found: list[str] = []
    for rate, within, words in (
        ("SettlementDiscountPercent", "SettlementPeriod", "discount"),
        ("PenaltySurchargePercent", "PenaltyPeriod", "surcharge when paid late"),
    ):
        percent = element.number(rate)
        when = _when(element.one(within))
        if percent is not None:
            found.append(f"{percent}% {words}{when}")
        elif when:
            found.append(f"Period of {words}{when}")
    found += _instalment(element)
    for tag, label in {
        "SettlementDiscountAmount": "Discount",
        "PenaltyAmount": "Surcharge when paid late",
    }.items():
        amount = element.amount(tag)
        found += [f"{label}: {amount}"] if amount is not None else []
    found += [f"Terms: {name}" for name in element.names("ReferenceEventCode")]
    return found


def _instalment(element: Element) -> list[str]:
    amount = element.amount("Amount")
    percent = element.number("PaymentPercent")
    share = f"{percent}%" if percent is not None else amount
    if share is None:
        return []
    due = element.date("PaymentDueDate", "InstallmentDueDate")
    return [f"{share} to be paid" + (f" by {due.isoformat()}" if due else "")]


def _when(element: Element | None) -> str:
    stated = period(element)
    if stated is None:
        return ""
    parts = []
    if stated.start:
        parts.append(f"from {stated.start.isoformat()}")
    if stated.end:
        parts.append(f"until {stated.end.isoformat()}")
    if stated.description:
        parts.append(f"({stated.description})")
    return "".join(f" {part}" for part in parts)

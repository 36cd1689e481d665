"""Allowances, taxes and totals (EN 16931 BG-20 to BG-23, BG-27, BG-28)."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from portico.records.content import (
    AllowanceCharge,
    Prepayment,
    Property,
    TaxCategory,
    TaxGroup,
    Totals,
    digits_of,
    from_minor,
)
from portico.services.imports.ubl.element import Element, plain

_CENT = Decimal("0.01")


# --- allowances and charges -------------------------------------------------------------------


def allowances(element: Element) -> tuple[AllowanceCharge, ...]:
    """The allowances and charges right inside *element* (a document, a line, a price)."""
    return tuple(made for e in element.all("AllowanceCharge") if (made := _allowance(e)))


def _allowance(element: Element) -> AllowanceCharge | None:
    charge = element.flag("ChargeIndicator")
    amount = element.amount("Amount")
    if not any(e.raw for e in element.all("ChargeIndicator")):
        element.fault(
            "This does not say whether it is an allowance or a charge.", "ChargeIndicator"
        )
    if not any(e.raw for e in element.all("Amount")):
        element.fault("This allowance or charge has no amount.", "Amount")
    if charge is None or amount is None:
        return None
    base = element.amount("BaseAmount")
    reason = element.texts("AllowanceChargeReason")
    prepaid = element.flag("PrepaidIndicator")
    reason += ["Paid before"] if prepaid else []
    return element.build(
        AllowanceCharge,
        charge=charge,
        amount=amount,
        reason="\n".join(reason) or None,
        reason_code=element.name("AllowanceChargeReasonCode"),
        percent=_percent(element.number("MultiplierFactorNumeric"), amount, base),
        base_amount=base,
        tax=next(iter(tax_categories(element, "TaxCategory")), None),
    )


def _percent(factor: str | None, amount: str, base: str | None) -> str | None:
    """EN 16931 writes 20 for 20 %; UBL's own examples write 0.2. The base amount tells which."""
    if factor is None or base is None:
        return factor
    exact, stated = Decimal(base) * Decimal(factor), Decimal(amount)
    as_factor, as_percent = abs(exact - stated), abs(exact / 100 - stated)
    if as_factor <= _CENT < as_percent:
        return plain(Decimal(factor) * 100)
    return factor


# --- taxes ------------------------------------------------------------------------------------


def tax_categories(element: Element, *paths: str) -> tuple[TaxCategory, ...]:
    """Tax categories (BT-95, BT-118, BT-151) at these paths."""
    found = (_category(e) for e in element.each(*paths))
    return tuple(dict.fromkeys(made for made in found if made is not None))


def _category(element: Element) -> TaxCategory | None:
    scheme = element.name("TaxScheme/ID")
    if scheme is None or scheme.isdigit():  # OIOUBL's 63 says less than its name, Moms
        scheme = element.name("TaxScheme/Name") or scheme
    built = element.build(
        TaxCategory,
        code=element.name("ID"),
        percent=element.number("Percent"),
        scheme=scheme,
        name=element.name("Name"),
        exemption_reason="\n".join(element.texts("TaxExemptionReason")) or None,
        exemption_code=element.name("TaxExemptionReasonCode"),
    )
    return built if built != TaxCategory() else None


def tax_groups(totals: list[Element]) -> tuple[TaxGroup, ...]:
    """The rows of the tax breakdown (BG-23) in these cac:TaxTotal elements."""
    return tuple(
        made for e in totals for part in e.all("TaxSubtotal") if (made := _tax_group(part))
    )


def _tax_group(element: Element) -> TaxGroup | None:
    amount = element.amount("TaxAmount")
    if amount is None:
        if not any(e.raw for e in element.all("TaxAmount")):
            element.fault("This row of the tax breakdown has no amount.", "TaxAmount")
        return None
    found = tax_categories(element, "TaxCategory")
    category = found[0] if found else TaxCategory()
    if category.percent is None:  # UBL 2.0 had the rate here
        category = category.model_copy(update={"percent": element.number("Percent")})
    return element.build(
        TaxGroup,
        category=category,
        taxable=element.amount("TaxableAmount"),
        amount=amount,
    )


def line_tax(line: Element) -> str | None:
    """The tax stated for one line: its cac:TaxTotal elements together, or TotalTaxAmount."""
    found = [e.own_amount() for t in line.all("TaxTotal") for e in t.all("TaxAmount")[:1]]
    amounts = [amount for amount in found if amount is not None]
    return plain(sum(amounts, Decimal())) if amounts else line.amount("TotalTaxAmount")


class TaxTotals:
    """The cac:TaxTotal elements, told apart: in the document's currency (BT-110) or in that of
    its accounting (BT-111), where the two differ.
    """

    def __init__(self, root: Element, currency: str, tax_currency: str | None) -> None:
        self._own: list[Element] = []
        self._accounting: list[Element] = []
        totals = root.all("TaxTotal")
        # Where both currencies are the same, the total is stated twice, once without a breakdown.
        twice = tax_currency == currency and any(t.all("TaxSubtotal") for t in totals)
        for total in totals:
            amount = total.one("TaxAmount")
            stated = (amount.attribute("currencyID") or "").upper() if amount else ""
            if stated and stated == tax_currency != currency:
                self._accounting.append(total)
            elif not (twice and not total.all("TaxSubtotal")):
                self._own.append(total)
        self._tax_currency = tax_currency

    def tax(self) -> Decimal | None:
        """The tax in the document's currency; several taxes are added up."""
        found = [e.own_amount() for total in self._own for e in total.all("TaxAmount")[:1]]
        amounts = [amount for amount in found if amount is not None]
        return sum(amounts, Decimal()) if amounts else None

    def accounting(self) -> int | None:
        """The tax in the accounting currency, in its minor units."""
        for total in self._accounting:
            for element in total.all("TaxAmount")[:1]:
                amount = element.own_amount(self._tax_currency)
                if amount is not None and self._tax_currency:
                    return minor(element, amount, self._tax_currency)
        return None

    def groups(self) -> tuple[TaxGroup, ...]:
        return tax_groups(self._own)

    def details(self) -> list[Property]:
        """The breakdown in the accounting currency, as facts to read."""
        return [
            Property(
                name=f"Tax in {self._tax_currency}",
                value=" ".join(
                    [
                        amount,
                        *(part.names("TaxCategory/ID")),
                        *(f"{rate}%" for rate in part.names("TaxCategory/Percent")),
                    ]
                ),
            )
            for total in self._accounting
            for part in total.all("TaxSubtotal")
            if (amount := part.name("TaxAmount"))
        ]


# --- totals -----------------------------------------------------------------------------------


def minor(element: Element, amount: Decimal, currency: str) -> int:
    """*amount* in whole minor units. Finer amounts are rounded half up, with a warning."""
    scaled = amount.scaleb(digits_of(currency))
    whole = scaled.to_integral_value(ROUND_HALF_UP)
    if whole != scaled:
        element.warn(
            f"{plain(amount)} has more decimals than {currency} knows; "
            f"it was rounded to {plain(whole.scaleb(-digits_of(currency)))}."
        )
    return int(whole)


def prepayments(root: Element, totals: Totals | None) -> tuple[Prepayment, ...]:
    """What was paid before (cac:PrepaidPayment).

    XRechnung's extension (BG-DEX-09) has claims of others there, which are added to what is to
    pay. No element tells the two apart; the total does.
    """
    found: list[Prepayment] = []
    for element in root.all("PrepaidPayment"):
        amount = element.amount("PaidAmount")
        if amount is None:
            continue
        made = element.build(
            Prepayment,
            id=element.name("ID"),
            amount=amount,
            paid_on=element.date("PaidDate"),
            received_on=element.date("ReceivedDate"),
            reference=element.name("InstructionID"),
        )
        found += [made] if made else []
    if found and totals and _added_to_payable(found, totals, root.reading.currency):
        found = [made.model_copy(update={"for_others": True}) for made in found]
    return tuple(found)


def _added_to_payable(found: list[Prepayment], totals: Totals, currency: str | None) -> bool:
    if currency is None or totals.gross is None or totals.prepaid:
        return False
    added = sum((Decimal(made.amount) for made in found), Decimal())
    expected = from_minor(totals.gross + (totals.rounding or 0), currency) + added
    return added != 0 and from_minor(totals.payable, currency) == expected

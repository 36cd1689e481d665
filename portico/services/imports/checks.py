"""Whether a document's figures add up (EN 16931 BR-CO-10 to BR-CO-17). Nothing is corrected.

One minor unit of difference is taken for rounding. Amounts may be negative throughout, in
credit notes and corrections alike; the sums are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import ROUND_HALF_UP, Decimal, localcontext

from portico.records.content import (
    AllowanceCharge,
    DocumentContent,
    Line,
    Period,
    StatementBody,
    TaxGroup,
    digits_of,
    from_minor,
)
from portico.services.imports.parsed import FileWarning

_ZERO = Decimal()


def check_sums(content: DocumentContent) -> list[FileWarning]:
    """A warning for every figure that does not follow from the others, and for odd dates.

    Each says what the file states and what was computed, in the document's currency.
    """
    with localcontext() as context:
        context.prec = 60  # products of two 28-digit numbers stay exact
        return list(_Sums(content).warnings())


class _Sums:
    def __init__(self, content: DocumentContent) -> None:
        self.content = content
        self.totals = content.totals
        self.currency = content.currency
        self.unit = from_minor(1, content.currency)
        # Parts of a line are in that line's amount already.
        self.lines = [line for line in content.lines if not line.parent]

    def warnings(self) -> Iterator[FileWarning]:
        yield from _dates(self.content)
        for number, line in enumerate(self.content.lines):
            yield from self._line(number, line)
        yield from self._sum_of_lines()
        yield from self._allowances("allowances", charge=False)
        yield from self._allowances("charges", charge=True)
        yield from self._taxes()
        if self._net_is_tax():
            yield self._net_holds_tax()
        else:
            yield from self._net()
            yield from self._gross()
        yield from self._payable()
        if self.content.statement:
            yield from self._statement(self.content.statement)

    # --- lines --------------------------------------------------------------------------------

    def _line(self, number: int, line: Line) -> Iterator[FileWarning]:
        if line.amount is None or line.price is None or line.quantity is None:
            return
        where = f"lines[{number}].amount"
        base = Decimal(line.base_quantity or 1)
        if base == 0:
            yield FileWarning("The price is for a quantity of zero.", where)
            return
        computed = Decimal(line.quantity) * Decimal(line.price) / base
        computed += _balance(line.allowances)
        yield from self._compare(
            where,
            f"The amount of line {line.id or number + 1}",
            Decimal(line.amount),
            computed,
            "quantity, price and its allowances and charges",
        )

    def _sum_of_lines(self) -> Iterator[FileWarning]:
        stated = self._total("lines")
        computed = self._lines_total()
        if stated is not None and computed is not None:
            yield from self._compare("totals.lines", "The sum of the lines", stated, computed,
                                     "the amounts of the lines")  # fmt: skip

    def _lines_total(self) -> Decimal | None:
        """The lines' amounts together; ``None`` where there are none or one has no amount."""
        amounts = [Decimal(line.amount) for line in self.lines if line.amount is not None]
        if not amounts or len(amounts) < len(self.lines):
            return None
        return sum(amounts, _ZERO)

    # --- totals -------------------------------------------------------------------------------

    def _allowances(self, name: str, *, charge: bool) -> Iterator[FileWarning]:
        stated = self._total(name)
        found = [Decimal(a.amount) for a in self.content.allowances if a.charge is charge]
        computed = sum(found, _ZERO)
        if stated is None:
            return
        # Some sums take in the allowances of the lines, which are in the lines' amounts already.
        inner = [Decimal(a.amount) for line in self.lines for a in line.allowances
                 if a.charge is charge]  # fmt: skip
        if not self._close(stated, computed + sum(inner, _ZERO)):
            yield from self._compare(
                f"totals.{name}", f"The sum of the {name}", stated, computed,
                f"the {name} on the whole document",
            )  # fmt: skip

    def _computed_net(self) -> Decimal | None:
        lines = self._total("lines")
        lines = self._lines_total() if lines is None else lines
        if lines is None:
            return None
        own = _balance(self.content.allowances)
        charges, allowances = self._total("charges"), self._total("allowances")
        if charges is None and allowances is None:
            return lines + own
        return lines + (charges or _ZERO) - (allowances or _ZERO)

    def _net(self) -> Iterator[FileWarning]:
        stated, computed = self._total("net"), self._computed_net()
        if stated is None or computed is None:
            return
        # Where the totals count the allowances of the lines too, the sum holds without them.
        other = (self._lines_total() or _ZERO) + _balance(self.content.allowances)
        if not self._close(stated, other):
            yield from self._compare("totals.net", "The amount without tax", stated, computed,
                                     "lines, allowances and charges")  # fmt: skip

    def _gross(self) -> Iterator[FileWarning]:
        net, tax, gross = self._total("net"), self._tax(), self._total("gross")
        if self._rounding_in_gross():
            return
        if net is not None and tax is not None and gross is not None:
            yield from self._compare("totals.gross", "The amount with tax", gross, net + tax,
                                     "the amount without tax and the tax")  # fmt: skip

    def _payable(self) -> Iterator[FileWarning]:
        if self._rounding_in_gross():
            return
        gross, net, tax = self._total("gross"), self._total("net"), self._tax()
        possible = [gross] if gross is not None else []
        if gross is None and net is not None:
            possible = [net + (tax or _ZERO)]
        elif gross is None and (computed := self._computed_net()) is not None:
            # An order need not state more than this; its tax may come on top or not.
            possible = [computed, computed + (tax or _ZERO)]
        if not possible:
            return
        rest = (self._total("rounding") or _ZERO) - (self._total("prepaid") or _ZERO)
        others = [Decimal(p.amount) for p in self.content.prepayments if p.for_others]
        rest += sum(others, _ZERO)
        withheld = sum((Decimal(g.amount) for g in self.content.withholding), _ZERO)
        stated = from_minor(self.totals.payable, self.currency)
        if any(self._close(stated, p + rest - w) for p in possible for w in (_ZERO, withheld)):
            return
        yield from self._compare("totals.payable", "The amount to pay", stated, possible[0] + rest,
                                 "the amount with tax, what was paid and the rounding")  # fmt: skip

    def _rounding_in_gross(self) -> bool:
        """Older profiles (BII) round the amount with tax, where EN 16931 rounds what is to pay."""
        gross, net, tax = self._total("gross"), self._total("net"), self._tax()
        rounding = self._total("rounding")
        if gross is None or net is None or tax is None or not rounding:
            return False
        payable = from_minor(self.totals.payable, self.currency)
        prepaid = self._total("prepaid") or _ZERO
        return gross == net + tax + rounding and payable == gross - prepaid

    # --- tax ----------------------------------------------------------------------------------

    def _taxes(self) -> Iterator[FileWarning]:
        for number, group in enumerate(self.content.taxes):
            yield from self._tax_group(number, group)
        stated = self._total("tax")
        if stated is not None and self.content.taxes:
            computed = sum((Decimal(group.amount) for group in self.content.taxes), _ZERO)
            yield from self._compare("totals.tax", "The tax", stated, computed,
                                     "the rows of the tax breakdown")  # fmt: skip

    def _tax_group(self, number: int, group: TaxGroup) -> Iterator[FileWarning]:
        if group.taxable is None or group.category.percent is None:
            return
        stated = Decimal(group.amount)
        computed = Decimal(group.taxable) * Decimal(group.category.percent) / 100
        # Tax may be rounded on each line and then added up: half a unit for each.
        taxed = [line for line in self.lines if line.tax_amount is not None]
        if abs(stated - computed) <= self.unit * len(taxed) / 2:
            return
        yield from self._compare(
            f"taxes[{number}].amount",
            f"The tax at {group.category.percent}%",
            stated,
            computed,
            f"{group.category.percent}% of {self._money(Decimal(group.taxable))}",
        )

    def _tax(self) -> Decimal | None:
        """The tax as stated, or by its breakdown, or by the lines."""
        stated = self._total("tax")
        if stated is not None:
            return stated
        if self.content.taxes:
            return sum((Decimal(group.amount) for group in self.content.taxes), _ZERO)
        amounts = [Decimal(line.tax_amount) for line in self.lines if line.tax_amount is not None]
        return sum(amounts, _ZERO) if amounts and len(amounts) == len(self.lines) else None

    def _net_is_tax(self) -> bool:
        """Older senders (OIOUBL among them) put the tax where the amount without tax belongs."""
        net, computed, gross = self._total("net"), self._computed_net(), self._total("gross")
        if net is None or computed is None or gross is None or self._close(net, computed):
            return False
        return self._close(net, gross - computed)

    def _net_holds_tax(self) -> FileWarning:
        net, computed = self._total("net") or _ZERO, self._computed_net() or _ZERO
        return FileWarning(
            f"The amount without tax is stated as {self._money(net)}, but that is the tax: "
            f"the lines, allowances and charges come to {self._money(computed)}.",
            "totals.net",
        )

    # --- statements ---------------------------------------------------------------------------

    def _statement(self, body: StatementBody) -> Iterator[FileWarning]:
        running = body.opening
        for number, entry in enumerate(body.entries):
            running += entry.amount
            yield from self._exactly(f"statement.entries[{number}].balance",
                                     f"The balance after entry {number + 1}",
                                     entry.balance, running)  # fmt: skip
            running = entry.balance  # one slip is one warning
        yield from self._exactly("statement.closing", "The closing balance", body.closing, running)
        yield from self._exactly("totals.payable", "The amount to pay", self.totals.payable,
                                 body.closing)  # fmt: skip
        if body.ageing:
            yield from self._exactly("statement.ageing", "What is owed by age", body.closing,
                                     sum(bucket.amount for bucket in body.ageing))  # fmt: skip
        yield from _period(body.period, "statement.period")

    def _exactly(self, where: str, what: str, stated: int, computed: int) -> Iterator[FileWarning]:
        if stated != computed:
            was, should = (self._money(from_minor(n, self.currency)) for n in (stated, computed))
            yield FileWarning(f"{what} is stated as {was}; the entries make it {should}.", where)

    # --- amounts ------------------------------------------------------------------------------

    def _total(self, name: str) -> Decimal | None:
        minor: int | None = getattr(self.totals, name)
        return None if minor is None else from_minor(minor, self.currency)

    def _close(self, stated: Decimal, computed: Decimal) -> bool:
        return abs(stated - self._rounded(computed)) <= self.unit

    def _compare(
        self, where: str, what: str, stated: Decimal, computed: Decimal, source: str
    ) -> Iterator[FileWarning]:
        if not self._close(stated, computed):
            yield FileWarning(
                f"{what} is stated as {self._money(stated)}; {source} make it "
                f"{self._money(self._rounded(computed))}.",
                where,
            )

    def _rounded(self, amount: Decimal) -> Decimal:
        return amount.quantize(self.unit, ROUND_HALF_UP)

    def _money(self, amount: Decimal) -> str:
        exponent = amount.normalize().as_tuple().exponent
        places = max(digits_of(self.currency), -exponent if isinstance(exponent, int) else 0)
        return f"{amount:,.{places}f} {self.currency}"


def _balance(allowances: Iterable[AllowanceCharge]) -> Decimal:
    """Charges less allowances."""
    signed = (Decimal(a.amount) if a.charge else -Decimal(a.amount) for a in allowances)
    return sum(signed, _ZERO)


# --- dates ------------------------------------------------------------------------------------


def _dates(content: DocumentContent) -> Iterator[FileWarning]:
    issued = content.issued_on
    if content.due_on and content.due_on < issued:
        sentence = f"It is due on {content.due_on}, before it was issued on {issued}."
        yield FileWarning(sentence, "due_on")
    if content.valid_until and content.valid_until < issued:
        sentence = f"It is valid until {content.valid_until}, before it was issued on {issued}."
        yield FileWarning(sentence, "valid_until")
    yield from _period(content.period, "period")


def _period(period: Period | None, where: str) -> Iterator[FileWarning]:
    if period and period.start and period.end and period.end < period.start:
        sentence = f"The period ends on {period.end}, before it starts on {period.start}."
        yield FileWarning(sentence, where)

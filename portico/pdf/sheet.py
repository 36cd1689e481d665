"""A document's content as the texts of a sheet of paper: labels, columns, rows, totals.

Designs lay these out. Everything here is plain text; the templates escape it.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import cached_property

from portico import formats
from portico.pdf import words
from portico.pdf.blocks import Column, Entry, Fact, PartyBlock, Row, Section, Total, Worked
from portico.pdf.writing import Writing
from portico.records.content import (
    AllowanceCharge,
    Delivery,
    Identifier,
    Kind,
    Line,
    Party,
    PaymentMeans,
    Prepayment,
    TaxCategory,
    TaxGroup,
    digits_of,
    to_minor,
)


class Sheet(Writing):
    """The texts of one document in one locale and time zone."""

    # The head

    @property
    def kind(self) -> str:
        return words.kind_label(self.content)

    @property
    def name(self) -> str:
        """The kind with the number: ``Quote Q-2026-0142``."""
        return f"{self.kind} {self.content.number}"

    @property
    def has_amount(self) -> bool:
        return words.has_amount(self.content)

    @property
    def payable(self) -> Total:
        """The last line of the totals, with the currency's sign."""
        label = words.payable_label(self.content)
        return Total(label, self.money(self.content.totals.payable), strong=True)

    @cached_property
    def facts(self) -> list[Fact]:
        """Dates, references and accounts: what a clerk looks for first."""
        content = self.content
        facts = [
            ("Date", self.day(content.issued_on)),
            ("Due", self.day(content.due_on)),
            ("Valid until", self.day(content.valid_until)),
            ("Open until", self.moment(content.expires_at)),
            ("Project", content.project),
            ("Fee model", content.proposal.fee_model.label if content.proposal else ""),
            ("Period", self.period(content.period)),
            ("Tax point", self.day(content.tax_point_on)),
            ("Your reference", content.buyer_reference),
            ("Customer account", content.customer_account),
            ("Cost account", content.accounting_cost),
        ]
        if content.statement:
            facts.append(("Period", self.period(content.statement.period)))
        if content.time:
            facts.append(("Period", self.period(content.time.period)))
        facts += [(item.name, item.value) for item in content.details]
        facts += [
            (self._reference_type(item), self._reference(item)) for item in content.references
        ]
        return [Fact(label, value) for label, value in facts if value]

    @cached_property
    def parties(self) -> list[PartyBlock]:
        """The buyer first, then the seller and whoever else has a part."""
        content = self.content
        roles: tuple[tuple[str, Party | None], ...] = (
            ("For", content.buyer),
            ("From", content.seller),
            ("Pay to", content.payee),
            ("Tax representative", content.tax_representative),
            ("Ordered by", content.originator),
            *((other.role, other.party) for other in content.other_parties),
        )
        return [self._party(role, party) for role, party in roles if party]

    # The lines

    @cached_property
    def columns(self) -> list[Column]:
        """The columns that have something to say, with widths that add up to 100."""
        lines = self.content.lines
        columns = [
            Column("position", "No.", 6, False),
            Column("quantity", "Qty", 11, True),
            Column("price", "Price", 14, True),
            Column("tax", "Tax", 8, True),
            Column("amount", f"Amount {self.content.currency}", 16, True),
        ]
        shown = {
            "position": any(line.id for line in lines),
            "quantity": any(line.quantity for line in lines),
            "price": any(line.price for line in lines),
            "tax": any(line.tax_categories for line in lines),
            "amount": any(line.amount for line in lines),
        }
        kept = [column for column in columns if shown[column.key]]
        room = 100 - sum(column.width for column in kept)
        at = 1 if shown["position"] else 0
        kept.insert(at, Column("name", "Description", room, False))
        return kept

    def rows(self) -> Iterator[Row]:
        """Each line of the document."""
        for line in self.content.lines:
            cells = {
                "position": line.id or "",
                "quantity": self._quantity(line.quantity, line.unit),
                "price": self._price(line),
                "tax": ", ".join(self._rate(tax) for tax in line.tax_categories),
                "amount": self.amount(line.amount),
            }
            details = tuple(detail for detail in self._details(line) if detail)
            yield Row(line.name, cells, line.description or "", details)

    # The sums

    @cached_property
    def totals(self) -> list[Total]:
        """From the sum of the lines down to what is to be paid, as stated in the document."""
        content, sums = self.content, self.content.totals
        rows: list[Total] = []
        if content.allowances and sums.lines is not None:
            rows.append(Total("Sum of lines", self.plain(sums.lines)))
        rows += [self._adjustment(item) for item in content.allowances]
        if not content.allowances:
            rows += self._stated("Discounts", -sums.allowances if sums.allowances else None)
            rows += self._stated("Charges", sums.charges or None)
        rows += self._stated("Net", sums.net)
        rows += self._taxes()
        rows += self._after_tax()
        rows.append(self.payable)
        return rows

    def _taxes(self) -> Iterator[Total]:
        content = self.content
        groups = content.taxes
        for group in groups:
            yield self._tax_row(group, alone=len(groups) == 1)
        stated = content.totals.tax
        if stated is not None and not self._says(groups, stated):
            yield Total("Tax in all" if groups else "Tax", self.plain(stated))
        if content.tax_in_tax_currency is not None and content.tax_currency:
            value = formats.money(content.tax_in_tax_currency, content.tax_currency, self.locale)
            rate = self.number(content.exchange_rate)
            yield Total(
                f"Tax in {content.tax_currency}",
                value,
                note=f"Exchange rate {rate}" if rate else "",
            )

    def _says(self, groups: tuple[TaxGroup, ...], stated: int) -> bool:
        """Whether one group alone already states the whole tax."""
        if len(groups) != 1:
            return False
        try:
            return to_minor(Decimal(groups[0].amount), self.content.currency) == stated
        except ValueError:
            return False

    def _after_tax(self) -> Iterator[Total]:
        sums = self.content.totals
        if sums.gross is not None and sums.gross != sums.payable:
            yield Total("Total with tax", self.plain(sums.gross))
        if sums.prepaid:
            yield Total("Already paid", self.plain(-sums.prepaid))
        if sums.rounding:
            yield Total("Rounding", self.plain(sums.rounding))

    def _stated(self, label: str, minor: int | None) -> list[Total]:
        return [] if minor is None else [Total(label, self.plain(minor))]

    def _tax_row(self, group: TaxGroup, *, alone: bool) -> Total:
        category = group.category
        label = words.tax_name(category, self._percent(category.percent))
        if group.taxable is not None and not (alone and self._is_net(group.taxable)):
            label += f" on {self.amount(group.taxable)}"
        return Total(label, self.amount(group.amount), note=self._exemption(category))

    def _is_net(self, taxable: str) -> bool:
        net = self.content.totals.net
        scale = digits_of(self.content.currency)
        return net is not None and Decimal(taxable).scaleb(scale) == net

    def _adjustment(self, item: AllowanceCharge) -> Total:
        return Total(self._adjustment_label(item), self._signed(item), note=self._taxed(item))

    def _taxed(self, item: AllowanceCharge) -> str:
        if not item.tax:
            return ""
        return self._joined_texts(self._tax_label(item.tax), self._exemption(item.tax))

    def _exemption(self, tax: TaxCategory) -> str:
        return self._joined_texts(tax.exemption_reason, tax.exemption_code)

    def _adjustment_label(self, item: AllowanceCharge) -> str:
        label = words.adjustment(item)
        if item.percent:
            label += f", {self._percent(item.percent)}"
        if item.base_amount:
            label += f" of {self.amount(item.base_amount)}"
        return label

    def _signed(self, item: AllowanceCharge) -> str:
        amount = Decimal(item.amount)
        return self.amount(str(amount if item.charge else -amount))

    # A statement

    @cached_property
    def opening(self) -> Entry | None:
        """The balance at the start of a statement's period."""
        body = self.content.statement
        if not body:
            return None
        return Entry(self.day(body.period.start), "Opening balance", "", self.plain(body.opening))

    def entries(self) -> Iterator[Entry]:
        """The movements of a statement."""
        for entry in self.content.statement.entries if self.content.statement else ():
            kind = entry.kind.replace("_", " ").capitalize()
            what = " ".join(filter(None, (kind, entry.number)))
            if entry.description:
                what += f"\n{entry.description}"
            yield Entry(
                self.day(entry.on), what, self.plain(entry.amount), self.plain(entry.balance)
            )

    @cached_property
    def closing(self) -> Entry | None:
        """The balance at the end of a statement's period."""
        body = self.content.statement
        if not body:
            return None
        return Entry(self.day(body.period.end), "Closing balance", "", self.money(body.closing))

    @cached_property
    def ageing(self) -> list[Fact]:
        """What is open, by how long it has been due."""
        body = self.content.statement
        return [Fact(item.label, self.plain(item.amount)) for item in body.ageing] if body else []

    # Shared work

    @cached_property
    def matter(self) -> list[Section]:
        """What a proposal, a request or an acceptance says, above any sums."""
        content = self.content
        found: list[Section] = []
        if content.proposal:
            found += [
                Section(chapter.heading, paragraphs=(chapter.body,))
                for chapter in content.proposal.chapters
            ]
        if content.acceptance:
            found.append(Section("You confirm", paragraphs=(content.acceptance.confirms,)))
            found += [
                Section(item.name, paragraphs=(item.description or "",))
                for item in content.acceptance.items
            ]
        if content.request:
            found.append(
                Section("What we ask for", paragraphs=(content.request.introduction or "",))
            )
            found += [
                Section(
                    f"{number}. {item.name}", paragraphs=(item.description or "", item.wants.label)
                )
                for number, item in enumerate(content.request.items, 1)
            ]
        return found

    def hours(self) -> Iterator[Worked]:
        """The hours of a time approval, in its order."""
        for entry in self.content.time.entries if self.content.time else ():
            said = (entry.description, "" if entry.is_billable else "Not billed")
            yield Worked(
                self.day(entry.on),
                entry.person,
                entry.task or "",
                "\n".join(filter(None, said)),
                formats.hours(entry.minutes),
            )

    @cached_property
    def hours_in_all(self) -> list[Fact]:
        """All hours, and those of them that are billed."""
        body = self.content.time
        if not body:
            return []
        return [
            Fact("Hours in all", formats.hours(body.minutes)),
            Fact("Billed", formats.hours(body.billable_minutes)),
        ]

    # What follows the sums

    def sections(self, instructions: str | None = None) -> list[Section]:
        """Payment, delivery, notes and terms. *instructions* are the organization's own."""
        content = self.content
        sections = [*self._sums(), *self._payment(instructions)]
        sections += [self._delivery(item) for item in content.deliveries]
        sections += [Section("Notes", paragraphs=content.notes)]
        sections += [Section("Terms", paragraphs=content.terms)]
        return [section for section in sections if section.facts or any(section.paragraphs)]

    def _sums(self) -> Iterator[Section]:
        """What stands beside the totals and changes none of them."""
        content = self.content
        withheld = (self._tax_row(group, alone=False) for group in content.withholding)
        yield Section(
            "Withheld by the buyer",
            tuple(Fact(total.label, f"{total.value}\n{total.note}".strip()) for total in withheld),
        )
        yield Section("Paid before", tuple(self._prepaid(item) for item in content.prepayments))

    def _prepaid(self, item: Prepayment) -> Fact:
        received = f"received {self.day(item.received_on)}" if item.received_on else ""
        said = (self.day(item.paid_on), received, item.reference)
        value = " · ".join(part for part in (self.amount(item.amount), *said) if part)
        return Fact(item.id or "Payment", value)

    def _payment(self, instructions: str | None) -> Iterator[Section]:
        content = self.content
        for means in content.payment_means:
            facts = tuple(fact for fact in self._means(means) if fact.value)
            yield Section("Payment", facts, means.instructions)
        if content.kind in {Kind.INVOICE, Kind.STATEMENT} and instructions:
            yield Section("How to pay", paragraphs=(instructions,))
        yield Section("Payment terms", paragraphs=content.payment_terms)

    def _means(self, means: PaymentMeans) -> Iterator[Fact]:
        yield Fact("Method", means.name or words.payment_means(means.code))
        yield Fact("Account", means.account or "")
        yield Fact("Account holder", means.account_name or "")
        yield Fact("Bank", means.institution or "")
        yield Fact("Payment reference", means.reference or "")
        yield Fact("Pay by", self.day(means.due_on))
        yield Fact("Card", means.card or "")
        yield Fact("Mandate", means.mandate or "")
        yield Fact("From account", means.payer_account or "")
        yield from (Fact(item.name, item.value) for item in means.details)

    def _delivery(self, delivery: Delivery) -> Section:
        facts = tuple(fact for fact in self._delivery_facts(delivery) if fact.value)
        return Section("Delivery", facts, delivery.terms)

    def _delivery_facts(self, delivery: Delivery) -> Iterator[Fact]:
        address = ", ".join(self._address(delivery.address))
        yield Fact("To", ", ".join(filter(None, (delivery.party, address))))
        yield Fact("Recipient", ", ".join(map(self._identifier, delivery.party_identifiers)))
        yield Fact("Contact", ", ".join(self._contact(delivery.contact)))
        location = (delivery.location, self._identifier(delivery.location_id))
        yield Fact("Location", ", ".join(part for part in location if part))
        yield Fact("Delivered", self.day(delivery.delivered_on))
        yield Fact("Requested", self.period(delivery.requested))
        yield Fact("Promised", self.period(delivery.promised))
        yield Fact("Tracking", delivery.tracking_id or "")
        yield from (Fact(item.name, item.value) for item in delivery.details)

    # Details of a line

    def _details(self, line: Line) -> Iterator[str]:
        if line.parent:
            yield f"Part of no. {line.parent}"
        yield from line.notes
        numbers = (
            ("Item", line.seller_item_id),
            ("Your item", line.buyer_item_id),
            ("Standard item", self._identifier(line.standard_item_id)),
        )
        yield self._joined(numbers)
        yield from (f"Classification: {self._identifier(item)}" for item in line.classifications)
        if line.origin_country:
            yield f"Origin: {formats.country(line.origin_country, self.locale)}"
        yield from self._properties(line.properties)
        if line.period:
            yield f"Period: {self.period(line.period)}"
        for delivery in line.deliveries:
            pairs = [(fact.label, fact.value) for fact in self._delivery_facts(delivery)]
            yield f"Delivery: {self._joined(pairs)}"
            yield from delivery.terms
        yield from (
            f"{self._reference_type(item)}: {self._reference(item)}" for item in line.references
        )
        if line.accounting_cost:
            yield f"Cost account: {line.accounting_cost}"
        yield from self._line_sums(line)

    def _line_sums(self, line: Line) -> Iterator[str]:
        for item in line.price_allowances:
            yield f"In the price: {self._adjusted(item)}"
        for item in line.allowances:
            yield self._adjusted(item)
        if line.tax_amount is not None:
            yield f"Tax: {self.amount(line.tax_amount)}"
        for tax in line.tax_categories:
            if self._exemption(tax):
                yield f"{self._tax_label(tax)}: {self._exemption(tax)}"

    def _adjusted(self, item: AllowanceCharge) -> str:
        said = f"{self._adjustment_label(item)}: {self._signed(item)}"
        return self._joined_texts(said, self._taxed(item))

    def _price(self, line: Line) -> str:
        price = self.amount(line.price)
        if price and line.base_quantity and (line.base_unit or Decimal(line.base_quantity) != 1):
            price += f" / {self._quantity(line.base_quantity, line.base_unit or line.unit)}"
        return price

    # Parties

    def _party(self, role: str, party: Party) -> PartyBlock:
        legal = " ".join(filter(None, (party.legal_name, party.legal_form)))
        lines = [legal if legal != party.name else ""]
        lines += self._address(party.address)
        if party.registered_address and party.registered_address != party.address:
            lines.append("Registered: " + ", ".join(self._address(party.registered_address)))
        lines.append(self._joined_texts(*self._identity(party)))
        for contact in (party.contact, *party.further_contacts):
            lines += self._contact(contact)
        lines.append(party.website or "")
        lines += self._properties(party.details)
        return PartyBlock(role, party.name, tuple(line for line in lines if line))

    def _identity(self, party: Party) -> Iterator[str]:
        yield from (self._tax_id(item) for item in party.tax_ids)
        if party.registration:
            yield f"Company no. {self._identifier(party.registration)}"
        yield from (self._identifier(item) for item in party.identifiers)
        if party.endpoint:
            yield f"Electronic address {self._identifier(party.endpoint)}"

    @staticmethod
    def _tax_id(item: Identifier) -> str:
        return f"{item.scheme or 'Tax no.'} {item.value}"

"""What a reader makes of one document in a file."""

from __future__ import annotations

from dataclasses import dataclass, field

from portico.records.content import DocumentContent, Identifier, Party


@dataclass(frozen=True, slots=True)
class FileWarning:
    """Something staff should see about a document that was taken all the same (spec I1)."""

    sentence: str
    field: str = ""
    line: int | None = None

    def __str__(self) -> str:
        where = [f"line {self.line}"] if self.line else []
        where += [self.field] if self.field else []
        return f"{', '.join(where)}: {self.sentence}" if where else self.sentence


@dataclass(frozen=True, slots=True)
class HintedContact:
    """Somebody at the customer, to be offered as a contact. Either part may be missing."""

    name: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class CustomerHints:
    """By what the buyer may be found among the customers, best first (spec I1)."""

    external_ids: tuple[str, ...] = ()
    tax_ids: tuple[str, ...] = ()
    endpoints: tuple[Identifier, ...] = ()
    names: tuple[str, ...] = ()
    contacts: tuple[HintedContact, ...] = ()


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """One document, checked. ``attachments`` holds the bytes of embedded files by SHA-256."""

    content: DocumentContent
    external_id: str
    customer: CustomerHints
    draft: bool = False
    warnings: tuple[FileWarning, ...] = ()
    attachments: dict[str, bytes] = field(default_factory=dict)


def hints_of(buyer: Party, accounts: tuple[str, ...] = ()) -> CustomerHints:
    """The hints that lie in *buyer* itself; *accounts* are the numbers it has with the seller."""
    people = [person for person in (buyer.contact, *buyer.further_contacts) if person]
    return CustomerHints(
        external_ids=_once(*accounts, *(found.value for found in buyer.identifiers)),
        tax_ids=_once(*(found.value for found in buyer.tax_ids)),
        endpoints=(buyer.endpoint,) if buyer.endpoint else (),
        names=_once(buyer.name, buyer.legal_name),
        contacts=tuple(
            dict.fromkeys(
                HintedContact(name=person.name, email=person.email)
                for person in people
                if person.name or person.email
            )
        ),
    )


def _once(*values: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))

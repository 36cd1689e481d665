"""What became of one document or payment of a file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    ADDED = "added"
    REVISED = "revised"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one document or payment of a file; one of the ids says which it is."""

    kind_label: str
    number: str
    outcome: Outcome
    customer: str
    document_id: int | None = None
    payment_id: int | None = None
    warnings: tuple[str, ...] = ()
    can_be_sent: bool = True

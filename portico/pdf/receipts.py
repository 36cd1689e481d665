"""What a receipt for a decision says (spec L8)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Receipt:
    """The evidence of one decision, in the words of the page. ``decided_at`` is UTC."""

    action: str  # "accepted" or "declined"
    document: str  # the kind as it is called: "Quote"
    number: str
    revision: int
    content_sha256: str
    total: str
    signatory: str
    decided_at: dt.datetime
    receipt_code: str
    via: str  # "mailed link", "quote link", "recorded by staff: NAME"
    contact_name: str | None = None
    contact_email: str | None = None
    po_number: str | None = None
    note: str | None = None
    reason: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    recorded_by: str | None = None
    reversed_note: str | None = None

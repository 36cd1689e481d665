"""What a colleague changed in the settings while a form was open, in words (spec C7)."""

from __future__ import annotations

from typing import Any

from portico import pdf
from portico.records.content import Kind
from portico.records.document import KINDS
from portico.records.organization import Section
from portico.services import preferences
from portico.services.marks import ChangedSince

SECTIONS = {
    Section.ORDERS: "Orders",
    Section.PROJECTS: "Projects",
    Section.PROPOSALS: "Proposals",
    Section.REQUESTS: "Information requests",
    Section.ACCEPTANCES: "Acceptances",
    Section.TIME: "Hours to approve",
    Section.DOCUMENTS: "Shared documents",
}
_LABELS = {
    "name": "Name",
    "address": "Address",
    "phone": "Telephone",
    "website": "Website",
    "tax_id": "Tax number",
    "email": "E-mail address",
    "sender_name": "Sender name",
    "locale": "Dates and amounts",
    "timezone": "Time zone",
    "sections": "Sections",
    "self_signup": "An account is offered",
    "next_steps": "After a quote was accepted",
    "remind_quote_days": "Days before the last day to answer",
    "remind_invoice_days": "Days before an invoice is due",
    "payment_instructions": "Instructions",
    "payment_url": "Address behind Pay now",
    "colour": "Brand colour",
    "pdf_design": "Design",
    "pdf_templates_enabled": "Print in a design",
} | {f"hours_{kind.value}": f"Links: {KINDS[kind].label}" for kind in Kind}


def said(problem: ChangedSince) -> list[tuple[str, str]]:
    """Label and words of each value that stands now and was not seen."""
    return [(_LABELS[name], _words(name, problem.now[name])) for name in problem.over]


def _words(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name.startswith("hours_"):
        hours, until_validity = value
        return f"{hours} hours" + (", and until the quote’s last day" if until_validity else "")
    if name == "sections":
        return ", ".join(SECTIONS[Section(one)] for one in value) or "none"
    labels = {"locale": dict(preferences.of_locales()), "pdf_design": pdf.DESIGNS}
    return labels.get(name, {}).get(value) or str(value) or "empty"

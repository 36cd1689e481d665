"""A customer chosen inside a form: searched, picked by a button, exchanged; nothing typed is lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import request

from blueprints.console.gate import me
from portico.queries import console_customer, console_customers
from portico.queries.console_customer import CustomerRecord
from portico.queries.console_customers import CustomerLine
from portico.queries.lists import LARGEST_ID, search_term

_FOUND = 8


@dataclass(frozen=True, slots=True)
class Picked:
    """The customer of a form; while there is none, who was found to choose from."""

    customer: CustomerRecord | None
    term: str = ""
    found: tuple[CustomerLine, ...] = ()
    more: bool = False  # than are shown
    searched: bool = False
    just_now: bool = False  # by this very answer: what is known of them can be filled in


def from_address() -> Picked:
    """Chosen by ``?customer=``, or searched by ``?q=``."""
    customer = _find(request.args.get("customer", ""))
    if customer is not None:
        return Picked(customer, just_now=True)
    return search(request.args.get("q", ""))


def from_form(action: str) -> Picked:
    """As the form says: picked by a button, chosen before, or looked for."""
    picked = _find(request.form.get("pick", ""))
    if picked is not None:
        return Picked(picked, just_now=True)
    chosen = _find(request.form.get("customer", ""))
    if chosen is not None and action != "exchange":
        return Picked(chosen)
    return search(request.form.get("who", ""), asked=action == "find")


def of(customer_id: int) -> Picked:
    """A customer whose paper was found in this organization."""
    return Picked(console_customer.find(me().organization_id, customer_id))


def search(text: str, *, asked: bool = False) -> Picked:
    """Active customers of the organization whose name, id or people match."""
    term = search_term(text)
    if not term and not asked:
        return Picked(None)
    found = console_customers.active(me().organization_id, term, _FOUND + 1)
    return Picked(None, term, tuple(found[:_FOUND]), len(found) > _FOUND, searched=True)


def number(text: str) -> int | None:
    """A record's number; None where it is none."""
    fits = text.isascii() and text.isdigit() and len(text) <= 19
    return int(text) if fits and int(text) <= LARGEST_ID else None


def shown(value: Any) -> str:
    """What was typed, as far as a page can show it again."""
    return str(value).encode("utf-8", "ignore").decode()


def _find(text: str) -> CustomerRecord | None:
    customer_id = number(text)
    if customer_id is None:
        return None
    return console_customer.find(me().organization_id, customer_id)

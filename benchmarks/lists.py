"""Lists of 1,000, 100,000 and 1,000,000 documents of one customer: what a page costs (spec A9).

The promise is a ratio within one run: a page at the deepest key costs what the first one costs,
and with a million documents what it costs with a thousand. Only a search that finds nothing has
to read on: it goes through the customer's numbers in an index.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from app import create_app
from portico import clock, config
from portico.db import db, unit_of_work
from portico.queries import dashboard, lists
from portico.queries.lists import Key
from portico.records.customer import Customer
from portico.records.decision import Via
from portico.services import team, tenants
from portico.services.actors import Actor
from portico.services.team import OrganizationFace

SIZES = (1_000, 100_000, 1_000_000)
ROUNDS = 31
ZONE = "Europe/Oslo"
T = TypeVar("T")
# One day holds 200 documents of the largest customer. Four of five are invoices: most are paid,
# a tenth is open. Of the quotes most ran out unanswered.
_FILL = """
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :size),
one AS (
  SELECT i, i % 5 = 0 AS quote, date(:today, '-' || (i * 5000 / :size) || ' days') AS day,
         (i * 7919) % 100 AS chance
  FROM n
)
INSERT INTO documents (
  organization_id, customer_id, kind, external_id, number, state, currency, total, payable,
  balance, issued_on, due_on, valid_until, current_revision, sent_revision, posted_at, created_at
)
SELECT :organization, :customer, CASE WHEN quote THEN 'quote' ELSE 'invoice' END,
  :customer || '-' || i, CASE WHEN quote THEN 'Q-' ELSE 'INV-' END || (10000000 + i),
  CASE WHEN quote THEN CASE WHEN chance < 60 THEN 'sent' WHEN chance < 90 THEN 'accepted'
                            ELSE 'declined' END
       ELSE CASE WHEN chance < 85 THEN 'paid' WHEN chance < 95 THEN 'sent'
                 ELSE 'cancelled' END END,
  'EUR', 10000 + i, CASE WHEN quote THEN 0 ELSE 10000 + i END,
  CASE WHEN NOT quote AND chance BETWEEN 85 AND 94 THEN 10000 + i ELSE 0 END,
  day, CASE WHEN quote THEN NULL ELSE date(day, '+30 days') END,
  CASE WHEN quote THEN date(day, '+30 days') END, 1, 1, :now, :now
FROM one
"""  # fmt: skip


def run() -> None:
    with tempfile.TemporaryDirectory(prefix="portico-bench-") as folder:
        app = create_app(
            config.load({"PORTICO_INSTANCE": folder, "PORTICO_SECRET_KEYS": "bench" * 10})
        )
        with app.app_context():
            tenants.create("bench", "Bench", "http://127.0.0.1")
        with tenants.tenant_scope(app, "bench"):
            pages = {size: _pages(_fill(size)) for size in SIZES}
            _report_size(Path(folder))
            _report(
                {
                    name: best({size: pages[size][name] for size in SIZES})
                    for name in pages[SIZES[0]]
                }
            )


def _fill(size: int) -> Actor:
    """A customer with *size* documents, made in one statement."""
    print(f"making {size:,} documents ...", flush=True)
    with unit_of_work():
        if size == SIZES[0]:
            team.create_organization("bench", OrganizationFace("Bench", email="b@bench.example"))
        customer: Customer = team.create_customer("bench", f"Customer of {size}")
        db.session.flush()
        today = clock.today(ZONE).isoformat()
        db.session.execute(
            sa.text(_FILL),
            {"size": size, "organization": customer.organization_id, "customer": customer.id,
             "today": today, "now": f"{today} 00:00:00"},
        )  # fmt: skip
        return Actor(Via.ACCOUNT, customer.organization_id, customer.id, None, None, None)


def _pages(actor: Actor) -> dict[str, Callable[[], object]]:
    """What is measured, for one customer."""
    invoices, quotes = lists.SECTIONS["invoices"], lists.SECTIONS["quotes"]
    every, overdue = invoices.filters[0], invoices.filter("overdue")
    deep = _deepest(actor)
    return {
        "first page": lambda: lists.page(actor, every, ZONE),
        "deepest page": lambda: lists.page(actor, every, ZONE, before=deep),
        "back from there": lambda: lists.page(actor, every, ZONE, after=deep),
        "open": lambda: lists.page(actor, invoices.filter("open"), ZONE),
        "overdue": lambda: lists.page(actor, overdue, ZONE),
        "overdue, deepest": lambda: lists.page(actor, overdue, ZONE, before=deep),
        "awaiting an answer": lambda: lists.page(actor, quotes.filter("awaiting"), ZONE),
        "expired": lambda: lists.page(actor, quotes.filter("expired"), ZONE),
        "search, many found": lambda: lists.page(actor, every, ZONE, term="inv-100"),
        "search, none found": lambda: lists.page(actor, every, ZONE, term="none like it"),
        "dashboard": lambda: dashboard.read(actor, ZONE, []),
    }


def _deepest(actor: Actor) -> Key:
    """The place from which the last page begins: that page, counted upwards from nothing."""
    every = lists.SECTIONS["invoices"].filters[0]
    last = lists.page(actor, every, ZONE, after=Key(dt.date.min, 0))
    first = last.rows[0]
    return Key(first.issued_on, first.id)


def best(calls: Mapping[T, Callable[[], object]]) -> dict[T, float]:
    """The quickest of the rounds in milliseconds, by name: what else a machine does only adds to it.

    In turns, so that a slow minute hits all alike.
    """
    took: dict[T, list[float]] = {name: [] for name in calls}
    for number in range(ROUNDS + 1):
        for name, call in calls.items():
            start = clock.ticks()
            call()
            if number:  # the first round only warms up
                took[name].append((clock.ticks() - start) * 1000)
    return {name: min(times) for name, times in took.items()}


def _report_size(folder: Path) -> None:
    size = sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())
    print(f"on disk: {size / 2**20:,.0f} MB")


def _report(found: dict[str, dict[int, float]]) -> None:
    smallest, largest = SIZES[0], SIZES[-1]
    print(f"{'best ms':22}" + "".join(f"{size:>12,}" for size in SIZES) + f"{'ratio':>9}")
    for name, took in found.items():
        cells = "".join(f"{took[size]:12.2f}" for size in SIZES)
        print(f"{name:22}{cells}{took[largest] / took[smallest]:9.2f}")
    for size in SIZES:
        ratio = found["deepest page"][size] / found["first page"][size]
        print(f"deepest page beside the first, {size:,} documents: {ratio:.2f}")

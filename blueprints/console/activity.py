"""The activity log: read, narrowed down, exported, verified (spec C6)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from flask import Response, request, stream_with_context, url_for

from blueprints.console import bp
from blueprints.console.frame import console_page
from blueprints.console.gate import me, needs
from portico import clock
from portico.files import spreadsheets
from portico.files.names import content_disposition
from portico.queries import console_activity as log
from portico.queries.console_activity import Filter, Key, Line, Page
from portico.queries.lists import search_term
from portico.records.activity import Activity, ActorKind, Label
from portico.records.staff import Permission
from portico.services import activity as service
from portico.services import activity_chain
from portico.services.activity import Entry
from portico.web.ways import go

_GROUPS = {"security": log.SECURITY, "financial": log.FINANCIAL}
# Rows that are verified while somebody waits: about a second's work.
_VERIFIED_AT_ONCE = 20_000
_COLUMNS = (
    "Row", "Time (UTC)", "Type", "What", "Security event", "Financial action", "By", "Actor",
    "Customer", "Contact", "Document", "Session", "Label", "Why", "IP address", "Device type", "Browser",
    "Platform", "User agent", "Details", "Erased",
)  # fmt: skip


@bp.get("/activity")
@needs(Permission.VIEW)
def activity() -> Response:
    view = LogView.asked_for()
    return console_page(
        "console/activity.html",
        part="console/_activity.html",
        status=422 if view.errors else 200,
        view=view,
        types=sorted(log.WORDS.items(), key=lambda one: one[1]),
    )


@bp.get("/activity/export.csv")
@needs(Permission.EXPORT)
def activity_export() -> Response:
    """Everything that the filters let through, as a table; that it was taken is in the log."""
    view = LogView.asked_for(read=False)
    if view.errors:
        return go(url_for("console.activity", **view.query))
    service.note(_by_me(Activity.EXPORT_ACTIVITY, **view.query))
    response = Response(stream_with_context(_table(log.every(view.wanted))), mimetype="text/csv")
    name = f"activity-{me().org.slug}-{clock.today(me().org.zone).isoformat()}.csv"
    response.headers["Content-Disposition"] = content_disposition(name)
    return response


@bp.post("/activity/verify")
@needs(Permission.EXPORT)
def activity_verify() -> Response:
    """Walk the newest part of the chain; the command walks all of it."""
    service.flush()
    began = clock.ticks()
    verdict = activity_chain.verify(newest=_VERIFIED_AT_ONCE)
    took = clock.ticks() - began
    service.note(_by_me(Activity.VERIFY_ACTIVITY, rows=verdict.rows, whole=not verdict.problem))
    return console_page(
        "console/activity_verified.html",
        part="console/_activity_verified.html",
        verdict=verdict,
        milliseconds=round(took * 1000),
    )


def _by_me(type_: Activity, **details: Any) -> Entry:
    who = me()
    return Entry(
        type_, ActorKind.STAFF, who.by, organization_id=who.organization_id, details=details
    )


def _table(lines: Iterator[Line]) -> Iterator[str]:
    yield spreadsheets.BYTE_ORDER_MARK + spreadsheets.row(_COLUMNS)
    for line in lines:
        yield spreadsheets.row(_cells(line))


def _cells(line: Line) -> tuple[object, ...]:
    return (
        line.id,
        line.at.strftime("%Y-%m-%d %H:%M:%S"),
        line.type,
        line.words,
        "yes" if line.is_security_event else "",
        "yes" if line.is_financial_action else "",
        line.actor_kind,
        line.actor,
        line.customer,
        line.contact,
        line.document,
        line.session_id,
        line.label,
        line.label_reason,
        line.ip,
        line.device_type,
        line.browser,
        line.platform,
        line.user_agent,
        "; ".join(f"{name}: {value}" for name, value in line.details),
        "yes" if line.is_erased else "",
    )


# --- what was asked for -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LogView:
    """The log as its page needs it: what is shown, and where its links lead."""

    query: dict[str, Any]  # what narrows the list down, as it stands in the address
    wanted: Filter
    page: Page
    is_first: bool
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def asked_for(cls, *, read: bool = True) -> LogView:
        """From the address. What it names and there is not narrows nothing down."""
        errors: dict[str, str] = {}
        wanted, query = _filter(errors)
        before = Key.parse(request.args.get("before", ""))
        page = log.page(wanted, before) if read and not errors else Page([], None)
        return cls(query, wanted, page, before is None, errors)

    def chosen(self, name: str) -> str:
        text: str = self.query.get(name, "")
        return text

    @property
    def is_narrowed_further(self) -> bool:
        """Whether the filters that are folded away say something."""
        return not self.query.keys().isdisjoint({"by", "label", "since", "until", "scope"})

    @property
    def older_url(self) -> str | None:
        older = self.page.older
        return url_for("console.activity", **self.query, before=str(older)) if older else None

    @property
    def newest_url(self) -> str | None:
        return None if self.is_first else url_for("console.activity", **self.query)

    @property
    def export_url(self) -> str:
        return url_for("console.activity_export", **self.query)


def _filter(errors: dict[str, str]) -> tuple[Filter, dict[str, Any]]:
    """The filters of the address, and those of them that say something."""
    who = me()
    asked = {
        name: search_term(request.args.get(name, ""))
        for name in ("what", "by", "label", "customer", "document", "q", "since", "until", "scope")
    }
    # What belongs to no single organization is the owners' to see.
    whole = asked["scope"] == "all" and who.may(Permission.TEAM)
    wanted = Filter(
        None if whole else who.organization_id,
        types=_types(asked["what"]),
        actor_kind=ActorKind(asked["by"]) if asked["by"] in set(ActorKind) else None,
        label=Label(asked["label"]) if asked["label"] in set(Label) else None,
        customer="" if whole else asked["customer"],
        document="" if whole else asked["document"],
        term=asked["q"],
        since=_day(asked["since"], "since", errors),
        until=_day(asked["until"], "until", errors, after=1),
    )
    return wanted, {name: text for name, text in asked.items() if text}


def _types(what: str) -> tuple[Activity, ...]:
    if what in _GROUPS:
        return _GROUPS[what]
    return (Activity(what),) if what in set(Activity) else ()


def _day(text: str, name: str, errors: dict[str, str], after: int = 0) -> dt.datetime | None:
    """The moment at which a day begins where the organization is, or the day *after* it."""
    if not text:
        return None
    try:
        day = dt.date.fromisoformat(text) + dt.timedelta(days=after)
        begin = dt.datetime.combine(day, dt.time(), tzinfo=clock.zone(me().org.zone))
        return begin.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        errors[name] = "A day looks like 2026-11-02."
        return None

"""The lists of documents: the commercial ones (A9), and those of shared work (W3-W6)."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response, request, url_for

from blueprints.customer_portal import bp
from blueprints.customer_portal.frame import portal_page
from blueprints.customer_portal.gate import signed_in
from blueprints.customer_portal.sections import section as find_section
from portico.queries import lists, shared_rows
from portico.queries.lists import Filter, Key, Page, Section
from portico.queries.shared_rows import Beside
from portico.web import limits

_SHARED = ("proposals", "requests", "acceptances", "time")


def documents_of(section: str) -> Response:
    """One page of a list: filter, search and place are in the address, so that it can be kept."""
    who = signed_in()
    limits.account_page(who.account_id)
    of = find_section(section)
    chosen = of.filter(request.args.get("state", ""))
    term = lists.search_term(request.args.get("q", ""))
    before = Key.parse(request.args.get("before", ""))
    after = Key.parse(request.args.get("after", ""))
    page = lists.page(who.actor, chosen, who.org.zone, term=term, before=before, after=after)
    view = ListView(of, chosen, term, page)
    return portal_page("portal/list.html", part="portal/_list.html", view=view)


for _section in lists.SECTIONS:
    bp.add_url_rule(
        f"/{_section}",
        endpoint=_section.replace("-", "_"),
        view_func=documents_of,
        defaults={"section": _section},
    )


@dataclass(frozen=True, slots=True)
class ListView:
    """A list as its page needs it: what is shown, and where its links lead."""

    section: Section
    chosen: Filter
    term: str
    page: Page

    @property
    def beside(self) -> dict[int, Beside]:
        """What cards say beside the head of each document, by id."""
        return shared_rows.beside(self.page.rows)

    @property
    def rows_template(self) -> str:
        """Shared work has cards, everything else a table."""
        shared = self.section.name in _SHARED
        return "portal/_cards.html" if shared else "portal/_rows.html"

    @property
    def url(self) -> str:
        return url_for(f"customer_portal.{self.section.name.replace('-', '_')}")

    @property
    def filters(self) -> list[tuple[str, str, bool]]:
        """Label, address and whether it is the one chosen, of each filter."""
        return [
            (one.label, self._address(state=one), one is self.chosen)
            for one in self.section.filters
        ]

    @property
    def older_url(self) -> str | None:
        return self._address(before=self.page.older) if self.page.older else None

    @property
    def newer_url(self) -> str | None:
        return self._address(after=self.page.newer) if self.page.newer else None

    @property
    def cleared_url(self) -> str:
        """The same list without the search."""
        return self._with(state=self._name(self.chosen))

    def document_url(self, document_id: int) -> str:
        return url_for(
            "customer_portal.document", section=self.section.name, document_id=document_id
        )

    def _address(
        self, state: Filter | None = None, before: Key | None = None, after: Key | None = None
    ) -> str:
        return self._with(
            state=self._name(state or self.chosen),
            q=self.term or None,
            before=str(before) if before else None,
            after=str(after) if after else None,
        )

    def _name(self, one: Filter) -> str | None:
        return one.name if one is not self.section.filters[0] else None

    def _with(self, **query: str | None) -> str:
        return url_for(f"customer_portal.{self.section.name.replace('-', '_')}", **query)  # type: ignore[arg-type]

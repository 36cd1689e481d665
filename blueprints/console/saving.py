"""A form in which a paper is written or changed, and what its saving buttons do (spec C4, C5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from flask import Response, flash, request, url_for

from blueprints.console import picking
from blueprints.console.gate import me
from blueprints.console.picking import Picked
from portico.queries.console_document import OpenDocument
from portico.records.content import Kind
from portico.records.document import KINDS, State
from portico.refusals import BadInput, ChangedMeanwhile, StaffRefusal
from portico.services import drafts
from portico.services.drafts import Seen
from portico.services.shared_papers import TypedShared
from portico.services.typed_papers import TypedPaper
from portico.web.ways import go

ACTIONS = {"draft", "post", "save", "send"}  # the buttons that save
_POSTING = {"post", "send"}

Typed = TypeVar("Typed", TypedPaper, TypedShared)


@dataclass(slots=True)
class Form(Generic[Typed]):
    """The form as it stands: what was typed, for whom, and what is wrong with it."""

    kind: Kind
    url: str
    typed: Typed
    picked: Picked
    at: OpenDocument | None = None  # none for a new paper
    seen: Seen | None = None
    reason: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    problem: str = ""  # about the whole
    status: int = 200
    focus: str = ""  # where the reader goes on

    @property
    def is_draft(self) -> bool:
        return self.at is None or self.at.face.state == State.DRAFT

    @property
    def customer_id(self) -> int | None:
        if self.at is not None:
            return self.at.standing.customer_id
        return self.picked.customer.id if self.picked.customer else None

    @property
    def label(self) -> str:
        return KINDS[self.kind].label

    @property
    def title(self) -> str:
        what = self.label.lower()
        return f"Edit {what} {self.at.content.number}" if self.at else f"New {what}"


def form_of(at: OpenDocument, typed: Typed, seen: Seen) -> Form[Typed]:
    """The form of a paper that is there already; *seen* is how its writer saw it."""
    url = url_for("console.change_document", document_id=at.id)
    reason = picking.shown(request.form.get("reason", ""))
    return Form(at.kind, url, typed, Picked(None), at=at, seen=seen, reason=reason)


def create(form: Form[Typed], action: str, page: Callable[[Form[Typed]], Response]) -> Response:
    """Save a new paper and go to it, or show the form with what is wrong."""
    if form.picked.customer is None:
        form.errors, form.status = {"customer": "Please choose the customer."}, 422
        return page(form)
    post = action in _POSTING
    try:
        made = drafts.create(form.picked.customer.id, form.kind, form.typed, post=post, by=me().by)
    except BadInput as problem:
        form.errors, form.status = problem.errors, problem.status
        return page(form)
    flash("It is posted and can be sent." if post else "It is saved as a draft.")
    return _go_on(made, post)


def change(
    at: OpenDocument,
    form: Form[Typed],
    action: str,
    now: Seen,
    page: Callable[[Form[Typed]], Response],
) -> Response:
    """Save a change and go to the paper, or show the form with what is wrong. *now* is how the
    paper stands: whoever saw another is told, and may save again."""
    post = action in _POSTING
    try:
        changed = drafts.change(
            at.id, form.typed, seen=form.seen or now, reason=form.reason, post=post, by=me().by
        )
    except BadInput as problem:
        form.errors, form.status = problem.errors, problem.status
        return page(form)
    except ChangedMeanwhile as problem:
        form.problem, form.status, form.seen = problem.sentence, problem.status, now
        return page(form)
    except StaffRefusal as problem:
        form.problem, form.status = problem.sentence, problem.status
        return page(form)
    flash("It is saved." if changed else "There was nothing to change.")
    return _go_on(at.id, post)


def _go_on(document_id: int, post: bool) -> Response:
    endpoint = "console.document_send" if post else "console.document"
    return go(url_for(endpoint, document_id=document_id))

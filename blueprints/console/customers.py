"""Customers, their people, and who of them gets into the portal (spec C2)."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from flask import Response, request, url_for

from blueprints.console import bp
from blueprints.console.frame import console_page
from blueprints.console.gate import me, needs
from portico.queries import console_activity, console_customer, console_customers, console_documents
from portico.queries.console_activity import Filter, Key
from portico.queries.console_customer import CustomerRecord, Namesake, Person
from portico.queries.console_customers import Place
from portico.queries.console_documents import Wanted, Which
from portico.queries.lists import LARGEST_ID, search_term
from portico.records.content import Kind
from portico.records.document import KINDS
from portico.records.staff import Permission
from portico.refusals import BadInput, Conflict, NotAllowed, NotFound, StaffRefusal
from portico.services import accounts, customers, links, reasons
from portico.services.customers import ContactFace, CustomerFace
from portico.services.reasons import Condition
from portico.web.ways import go

_ONE = "/customers/<int:customer_id>"
_PERSON = f"{_ONE}/contacts/<int:contact_id>"
_DOCUMENTS = 6
_TIMELINE = 12
_DONE = {
    "created": "The customer is written down. Add the people you write to.",
    "changed": "Saved.",
    "on": "The customer is active again.",
    "off": "The customer is switched off: nobody of theirs is signed in, and no link opens.",
    "portal-on": "The portal is on for this customer.",
    "portal-off": "The portal is off for this customer; whoever was signed in is signed out.",
    "revoked": "Every link of this customer is revoked, old ones too.",
    "added": "The contact is added.",
    "contact-changed": "The contact is changed.",
    "contact-moved": "The contact is changed, and the links in the old mailbox are revoked. "
    "Send anew what they still need.",
    "contact-on": "The contact is active again.",
    "contact-off": "The contact is switched off: they are signed out, and their links do not open.",
    "invited": "An invitation is on its way.",
    "access-on": "Portal access is on.",
    "access-off": "Portal access is off; whoever was signed in is signed out.",
    "disabled": "The account is disabled.",
    "enabled": "The account is enabled again.",
}


@dataclass(frozen=True, slots=True)
class _Answer:
    """Whether somebody sees something by either way, and why."""

    what: str
    signing_in: list[Condition]
    link: Condition | None  # None: what no link leads to

    @property
    def verdict(self) -> str:
        signed_in = all(one.holds for one in self.signing_in)
        if self.link is None or signed_in == self.link.holds:
            return f"can see {self.what}" if signed_in else f"cannot see {self.what}"
        if signed_in:
            return f"can see {self.what} by signing in, not by link"
        return f"can see {self.what} by link, not by signing in"


_NOT_THEIRS = "An account signs in with it, so changing it takes a role that manages accounts."


# --- the list -----------------------------------------------------------------------------------


@bp.get("/customers", endpoint="customers")
@needs(Permission.VIEW)
def customers_list() -> Response:
    term = search_term(request.args.get("q", ""))
    page = console_customers.page(
        me().organization_id,
        term=term,
        beyond=Place.parse(request.args.get("beyond", "")),
        before=Place.parse(request.args.get("before", "")),
    )
    return console_page(
        "console/customers.html", part="console/_customers.html", page=page, term=term
    )


@bp.get("/customers/new")
@needs(Permission.CUSTOMERS_EDIT)
def customer_new() -> Response:
    return _customer_form(None, CustomerFace())


@bp.post("/customers")
@needs(Permission.CUSTOMERS_EDIT)
def customer_create() -> Response:
    face = _customer_face()
    try:
        customer = customers.create(me().organization_id, face, by=me().by)
    except BadInput as problem:
        return _customer_form(None, face, problem)
    return go(url_for("console.customer", customer_id=customer.id, done="created"))


# --- one customer -------------------------------------------------------------------------------


@bp.get(_ONE)
@needs(Permission.VIEW)
def customer(customer_id: int) -> Response:
    return _page(find(customer_id), done=request.args.get("done", ""))


@bp.get(f"{_ONE}/edit")
@needs(Permission.CUSTOMERS_EDIT)
def customer_edit(customer_id: int) -> Response:
    at = find(customer_id)
    return _customer_form(at, CustomerFace(at.name, at.external_id, at.tax_id, at.endpoint))


@bp.post(f"{_ONE}/edit")
@needs(Permission.CUSTOMERS_EDIT)
def customer_change(customer_id: int) -> Response:
    at, face = find(customer_id), _customer_face()
    try:
        customers.change(at.id, face, by=me().by)
    except BadInput as problem:
        return _customer_form(at, face, problem)
    return go(url_for("console.customer", customer_id=at.id, done="changed"))


@bp.post(f"{_ONE}/active")
@needs(Permission.CUSTOMERS_EDIT)
def customer_active(customer_id: int) -> Response:
    at, on = find(customer_id), _on()
    customers.switch(at.id, on=on, by=me().by)
    return _done(at, "on" if on else "off")


@bp.post(f"{_ONE}/portal")
@needs(Permission.MANAGE_PORTAL_ACCESS)
def customer_portal(customer_id: int) -> Response:
    at, on = find(customer_id), _on()
    switch = accounts.open_for_customer if on else accounts.withdraw_from_customer
    switch(at.id, by=me().by)
    return _done(at, "portal-on" if on else "portal-off")


@bp.post(f"{_ONE}/revoke-links")
@needs(Permission.MANAGE_PORTAL_ACCESS)
def customer_revoke_links(customer_id: int) -> Response:
    """Every link, the expired ones too, so that none can be renewed."""
    at = find(customer_id)
    if request.form.get("sure") != "yes":
        return _page(at, status=422, error="Tick the box to revoke the links. Nothing was changed.")
    links.revoke_for_customer(at.id, by=me().by)
    return _done(at, "revoked")


@bp.get(f"{_ONE}/why")
@needs(Permission.VIEW)
def customer_why(customer_id: int) -> Response:
    """Everything that decides whether a contact sees a document (A4)."""
    at = find(customer_id)
    return _page(at, part="console/_customer_why.html", why=_why(at))


# --- a contact ----------------------------------------------------------------------------------


@bp.get(f"{_ONE}/contacts/new")
@needs(Permission.CUSTOMERS_EDIT)
def contact_new(customer_id: int) -> Response:
    return _contact_form(find(customer_id), None, ContactFace())


@bp.post(f"{_ONE}/contacts")
@needs(Permission.CUSTOMERS_EDIT)
def contact_add(customer_id: int) -> Response:
    at, face = find(customer_id), _contact_face()
    try:
        customers.add_contact(at.id, face, by=me().by)
    except BadInput as problem:
        return _contact_form(at, None, face, problem.errors, problem.status)
    return go(url_for("console.customer", customer_id=at.id, done="added"))


@bp.get(f"{_PERSON}/edit")
@needs(Permission.CUSTOMERS_EDIT)
def contact_edit(customer_id: int, contact_id: int) -> Response:
    at, person = find(customer_id), _find_person(customer_id, contact_id)
    return _contact_form(at, person, ContactFace(person.name, person.email, person.role))


@bp.post(f"{_PERSON}/edit")
@needs(Permission.CUSTOMERS_EDIT)
def contact_change(customer_id: int, contact_id: int) -> Response:
    """Whoever may choose the address of an account may have its next password mailed there."""
    at, person, face = find(customer_id), _find_person(customer_id, contact_id), _contact_face()
    manages = me().may(Permission.MANAGE_PORTAL_ACCESS)
    moves = person.account_id is not None and face.email.strip() != person.email
    if moves and not manages:
        return _contact_form(at, person, face, {"email": _NOT_THEIRS}, NotAllowed.status)
    revokes = manages and request.form.get("revoke") == "yes"
    had_links = console_customer.has_links(person.id)
    try:
        customers.change_contact(person.id, face, revokes_links=revokes, by=me().by)
    except BadInput as problem:
        return _contact_form(at, person, face, problem.errors, problem.status)
    except Conflict as problem:
        return _contact_form(at, person, face, {"email": problem.sentence}, problem.status)
    done = "changed" if not had_links or console_customer.has_links(person.id) else "moved"
    return go(url_for("console.customer", customer_id=at.id, done=f"contact-{done}"))


@bp.post(f"{_PERSON}/active")
@needs(Permission.CUSTOMERS_EDIT)
def contact_active(customer_id: int, contact_id: int) -> Response:
    at, person, on = find(customer_id), _find_person(customer_id, contact_id), _on()
    customers.switch_contact(person.id, on=on, by=me().by)
    return _done(at, "contact-on" if on else "contact-off")


@bp.post(f"{_PERSON}/invite")
@needs(Permission.MANAGE_PORTAL_ACCESS)
def contact_invite(customer_id: int, contact_id: int) -> Response:
    at, person = find(customer_id), _find_person(customer_id, contact_id)
    try:
        accounts.invite(person.id, by=me().by, seen=_number(request.form.get("mail", "")))
    except StaffRefusal as problem:
        return _page(at, status=problem.status, error=problem.sentence)
    return _done(at, "invited")


@bp.post(f"{_PERSON}/access")
@needs(Permission.MANAGE_PORTAL_ACCESS)
def contact_access(customer_id: int, contact_id: int) -> Response:
    """On invites whoever has no password yet; off signs them out at once."""
    at, person = find(customer_id), _find_person(customer_id, contact_id)
    if not _on():
        accounts.withdraw_from_contact(person.id, by=me().by)
        return _done(at, "access-off")
    try:
        invited = accounts.open_for_contact(person.id, by=me().by)
    except StaffRefusal as problem:
        return _page(at, status=problem.status, error=problem.sentence)
    return _done(at, "invited" if invited else "access-on")


@bp.post(f"{_PERSON}/account")
@needs(Permission.MANAGE_PORTAL_ACCESS)
def contact_account(customer_id: int, contact_id: int) -> Response:
    """Disable an account, or enable it again; everything about it is kept (A7)."""
    at, person, on = find(customer_id), _find_person(customer_id, contact_id), _on()
    if person.account_id is None:
        raise NotFound
    switch = accounts.enable if on else accounts.disable
    switch(person.account_id, by=me().by)
    return _done(at, "enabled" if on else "disabled")


# --- finding ------------------------------------------------------------------------------------


def find(customer_id: int) -> CustomerRecord:
    """A customer of the organization at hand. Raises NotFound."""
    found = console_customer.find(me().organization_id, customer_id)
    if found is None:
        raise NotFound(hint="")
    return found


def _find_person(customer_id: int, contact_id: int) -> Person:
    found = console_customer.person(me().organization_id, customer_id, contact_id)
    if found is None:
        raise NotFound(hint="")
    return found


def _why(at: CustomerRecord) -> SimpleNamespace:
    """The question as it was asked, and the answer for each document of that number."""
    org, contact_id = me().organization_id, _number(request.args.get("contact", ""))
    number = search_term(request.args.get("number", ""))
    person = console_customer.person(org, at.id, contact_id) if contact_id else None
    answers: list[_Answer] = []
    if person is not None and number:
        answers = [
            _Answer(
                _called(one), reasons.why(person.id, one.id), reasons.by_link(person.id, one.id)
            )
            for one in console_customer.numbered(org, at.id, number)
        ]
    elif person is not None:
        answers = [_Answer("the portal", reasons.why(person.id), None)]
    unknown = bool(person and number and not answers)
    return SimpleNamespace(person=person, number=number, answers=answers, unknown=unknown)


def _called(document: Namesake) -> str:
    called = f"{KINDS[Kind(document.kind)].label} {document.number}"
    return f"{called} of {document.owner}" if document.owner else called


# --- answering ----------------------------------------------------------------------------------


def _done(at: CustomerRecord, what: str) -> Response:
    """The customer as they are now: in place for htmx, by redirect for everybody else."""
    if request.headers.get("HX-Request") == "true":
        return _page(find(at.id), done=what)
    url = url_for("console.customer", customer_id=at.id, done=what, people=_beyond() or None)
    return go(url)


def _page(
    at: CustomerRecord,
    *,
    status: int = 200,
    part: str = "console/_customer.html",
    done: str = "",
    error: str = "",
    why: Any = None,
) -> Response:
    who = me()
    beyond = _beyond()
    people, more_people = console_customer.people(at.id, beyond=beyond)
    documents = console_documents.page(
        who.organization_id, Wanted(Which.ALL, None, at.id, ""), who.org.zone, size=_DOCUMENTS
    )
    wanted = Filter(who.organization_id, customer_id=at.id)
    timeline = console_activity.page(wanted, Key.parse(request.args.get("until", "")), _TIMELINE)
    return console_page(
        "console/customer.html",
        part=part,
        status=status,
        customer=at,
        people=people,
        beyond=beyond,
        more_people=more_people,
        documents=documents,
        timeline=timeline,
        done=_DONE.get(done),
        error=error,
        why=why or SimpleNamespace(person=None, number="", answers=[], unknown=False),
    )


def _customer_form(
    at: CustomerRecord | None, face: CustomerFace, problem: BadInput | None = None
) -> Response:
    return console_page(
        "console/customer_edit.html",
        part="console/_customer_edit.html",
        status=problem.status if problem else 200,
        customer=at,
        face=_shown(face),
        errors=problem.errors if problem else {},
    )


def _contact_form(
    at: CustomerRecord,
    person: Person | None,
    face: ContactFace,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    return console_page(
        "console/contact.html",
        part="console/_contact.html",
        status=status,
        customer=at,
        person=person,
        has_links=person is not None and console_customer.has_links(person.id),
        revokes=request.method == "GET" or request.form.get("revoke") == "yes",
        face=_shown(face),
        errors=errors or {},
    )


# --- reading what was typed ---------------------------------------------------------------------


def _customer_face() -> CustomerFace:
    form = request.form
    return CustomerFace(*(form.get(name, "") for name in CustomerFace.__slots__))


def _contact_face() -> ContactFace:
    form = request.form
    return ContactFace(*(form.get(name, "") for name in ContactFace.__slots__))


def _shown(face: CustomerFace | ContactFace) -> SimpleNamespace:
    """What was typed, as far as a page can show it again."""
    values = {name: getattr(face, name) for name in face.__slots__}
    return SimpleNamespace(
        **{name: text[:1100].encode("utf-8", "ignore").decode() for name, text in values.items()}
    )


def _beyond() -> int:
    """The contact after whom the page of contacts begins, on which a form may stand; 0: the first."""
    return _number(request.values.get("people", "")) or 0


def _on() -> bool:
    """What a switch was set to. Raises BadInput where the form does not say."""
    if request.form.get("on") not in {"yes", "no"}:
        raise BadInput({"on": "Please use the buttons on the page; nothing was changed."})
    return request.form["on"] == "yes"


def _number(text: str) -> int | None:
    """A record's number from the address; None where it is none."""
    fits = text.isascii() and text.isdigit() and len(text) <= 19
    return int(text) if fits and int(text) <= LARGEST_ID else None

"""Two guards on Flask-Login: customers and staff, each with cookies of its own (spec T4, A6).

A cookie names tenant, account and session; the session is a row that can be ended. Which guard a
request belongs to follows from its path, so that no cookie of one ever reaches the other.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, cast

from flask import Flask, request, session
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from flask_wtf.csrf import CSRFError, CSRFProtect

from portico.db import current_tenant
from portico.queries import signed_in, staff_signed_in
from portico.queries.signed_in import SignedIn
from portico.queries.staff_signed_in import StaffSignedIn
from portico.refusals import ForeignForm
from portico.web.visitors import visitor

csrf = CSRFProtect()
_MOVED = "organization_changed"


class Guard(StrEnum):
    CUSTOMER = "customer"
    STAFF = "staff"


_PATHS = {"/customer-portal": Guard.CUSTOMER, "/staff": Guard.STAFF}


def guard_of(path: str) -> Guard | None:
    """The guard that watches over a path (without a tenant's prefix); None: nobody signs in."""
    first = "/" + path.removeprefix("/").partition("/")[0]
    return _PATHS.get(first)


class OldForm(ForeignForm):
    """A form whose token is not (or no longer) this browser's."""

    sentence = "This page was open while you signed in or out elsewhere, so nothing was changed."
    hint = "Please open the page again and send it once more."


class FormOfAnotherOrganization(OldForm):
    """A form that was opened before its organization was left, in another tab."""

    sentence = (
        "You changed to another organization while this page was open, so nothing was changed."
    )
    hint = "Please go back to the organization that it was of, and open the page again."


class CustomerUser(UserMixin):
    """What Flask-Login holds for a customer."""

    def __init__(self, secret: str, who: SignedIn) -> None:
        self._secret = secret
        self.who = who

    def get_id(self) -> str:
        return f"{Guard.CUSTOMER}:{current_tenant().slug}:{self.who.account_id}:{self._secret}"


class StaffUser(UserMixin):
    """What Flask-Login holds for a member of staff."""

    def __init__(self, secret: str, who: StaffSignedIn) -> None:
        self._secret = secret
        self.who = who

    def get_id(self) -> str:
        return f"{Guard.STAFF}:{current_tenant().slug}:{self.who.staff_id}:{self._secret}"


def init_sign_in(app: Flask) -> None:
    manager = LoginManager()
    manager.init_app(app, add_context_processor=False)  # or every page would look for a user
    manager.session_protection = None  # a phone changes its address; the row is what protects
    manager.user_loader(_load)
    # Where a form comes from is judged by Origin and Sec-Fetch-Site: a Referer is not always sent.
    app.config.update(
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
        REMEMBER_COOKIE_NAME=";",  # no cookie can have this name: nobody is remembered
    )
    csrf.init_app(app)


def customer() -> SignedIn | None:
    """The customer who is signed in here, if somebody is."""
    user = current_user
    return user.who if isinstance(user._get_current_object(), CustomerUser) else None


def staff() -> StaffSignedIn | None:
    """The member of staff who is signed in here; also one whose second factor is still due."""
    user = current_user._get_current_object()
    return user.who if isinstance(user, StaffUser) else None


def sign_staff_in(secret: str) -> None:
    """Put a fresh session into the team's cookie; whatever was in it before is gone."""
    who = staff_signed_in.find(secret, visitor())
    if who is None:
        raise OldForm
    session.clear()
    login_user(StaffUser(secret, who))


def sign_customer_in(secret: str) -> None:
    """Put a fresh session into the cookie; whatever was in it before is gone (A6)."""
    who = signed_in.find(secret, visitor())
    if who is None:
        raise OldForm
    session.clear()
    login_user(CustomerUser(secret, who))


def sign_out() -> None:
    logout_user()
    session.clear()


def require_own_token() -> None:
    """Check a form's CSRF token. Raises OldForm, FormOfAnotherOrganization."""
    try:
        csrf.protect()
    except CSRFError:
        raise (FormOfAnotherOrganization if _MOVED in session else OldForm) from None


def void_forms_of_the_organization() -> None:
    """The organization was changed: forms that were opened before do nothing any more, or in
    another tab they would do in one organization what was meant for the other."""
    session.pop("csrf_token", None)
    session[_MOVED] = True


def _load(user_id: str) -> Any:
    guard, _, rest = user_id.partition(":")
    slug, _, rest = rest.partition(":")
    account, _, secret = rest.partition(":")
    if guard != guard_of(request.path) or slug != current_tenant().slug:
        return None
    if guard == Guard.CUSTOMER:
        who = signed_in.find(secret, visitor())
        if who is None or str(who.account_id) != account:
            return None
        return cast(Any, CustomerUser(secret, who))
    member = staff_signed_in.find(secret, visitor())
    if member is None or str(member.staff_id) != account:
        return None
    return cast(Any, StaffUser(secret, member))

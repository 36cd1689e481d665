"""One function per message: from plain values to a subject, a text and an HTML part."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import css_inline
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from portico import formats

_TEMPLATES = Path(__file__).resolve().parents[2] / "templates"


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that goes with a letter."""

    name: str
    data: bytes
    subtype: str = "pdf"


@dataclass(frozen=True, slots=True)
class Letter:
    """A message ready to be sent."""

    subject: str
    text: str
    html: str
    attached: tuple[Attached, ...] = ()


def document_sent(
    org: Any, doc: Any, *, contact_name: str, link_url: str, lifetime_text: str, message: str
) -> Letter:
    """A document is put before a customer, with their own link."""
    return _letter(
        "document_sent",
        org,
        doc=doc,
        contact_name=contact_name,
        link_url=link_url,
        lifetime_text=lifetime_text,
        message=message,
    )


def link_renewed(
    org: Any, doc: Any, *, contact_name: str, link_url: str, lifetime_text: str
) -> Letter:
    """The fresh link that was asked for on an expired one."""
    return _letter(
        "link_renewed",
        org,
        doc=doc,
        contact_name=contact_name,
        link_url=link_url,
        lifetime_text=lifetime_text,
    )


def receipt_for_customer(
    org: Any, doc: Any, decision: Any, *, contact_name: str, pdf: Attached | None
) -> Letter:
    """The customer's receipt of their answer."""
    return _letter(
        "decision_receipt_customer",
        org,
        attached=(pdf,) if pdf else (),
        doc=doc,
        decision=decision,
        contact_name=contact_name,
    )


def receipt_for_staff(
    org: Any, doc: Any, decision: Any, *, customer_name: str, pdf: Attached | None
) -> Letter:
    """The team's receipt of a customer's answer."""
    return _letter(
        "decision_receipt_staff",
        org,
        attached=(pdf,) if pdf else (),
        doc=doc,
        decision=decision,
        customer_name=customer_name,
    )


def question(org: Any, doc: Any, *, author: str, customer_name: str, message: str) -> Letter:
    """A customer's question, to the team."""
    return _letter(
        "question_staff",
        org,
        doc=doc,
        author=author,
        customer_name=customer_name,
        message=message,
    )


def more_time(org: Any, doc: Any, *, author: str, customer_name: str, message: str) -> Letter:
    """A customer's wish for more time, to the team."""
    return _letter(
        "more_time_staff",
        org,
        doc=doc,
        author=author,
        customer_name=customer_name,
        message=message,
    )


def answer(
    org: Any, doc: Any, *, contact_name: str, link_url: str, lifetime_text: str, message: str
) -> Letter:
    """The team's answer, to the customer."""
    return _letter(
        "answer_customer",
        org,
        doc=doc,
        contact_name=contact_name,
        link_url=link_url,
        lifetime_text=lifetime_text,
        message=message,
    )


def request_answered(org: Any, doc: Any, *, customer_name: str, items: Sequence[Any]) -> Letter:
    """To the team: what a customer answered of a request, all of one sitting."""
    return _letter("request_answered_staff", org, doc=doc, customer_name=customer_name, items=items)


def answer_returned(
    org: Any,
    doc: Any,
    *,
    contact_name: str,
    link_url: str,
    lifetime_text: str,
    items: Sequence[Any],
) -> Letter:
    """To a customer: the team needs more for some items of a request."""
    return _letter(
        "answer_returned",
        org,
        doc=doc,
        contact_name=contact_name,
        link_url=link_url,
        lifetime_text=lifetime_text,
        items=items,
    )


def quote_extended(
    org: Any, doc: Any, *, contact_name: str, link_url: str, lifetime_text: str, message: str
) -> Letter:
    """A quote is open for longer."""
    return _letter(
        "quote_extended",
        org,
        doc=doc,
        contact_name=contact_name,
        link_url=link_url,
        lifetime_text=lifetime_text,
        message=message,
    )


def decision_reversed(
    org: Any,
    doc: Any,
    decision: Any,
    *,
    contact_name: str,
    link_url: str,
    lifetime_text: str,
    message: str,
) -> Letter:
    """The team took back an answer on record."""
    return _letter(
        "decision_reversed",
        org,
        doc=doc,
        decision=decision,
        contact_name=contact_name,
        link_url=link_url,
        lifetime_text=lifetime_text,
        message=message,
    )


def comment(
    org: Any, *, project_name: str, author: str, customer_name: str, message: str
) -> Letter:
    """A customer's comment on a project, to the team."""
    return _letter(
        "comment_staff",
        org,
        project_name=project_name,
        author=author,
        customer_name=customer_name,
        message=message,
    )


def project_shared(
    org: Any,
    *,
    contact_name: str,
    project_name: str,
    share_url: str,
    expires_at: dt.datetime | None,
) -> Letter:
    """A read-only link to a project."""
    return _letter(
        "project_shared",
        org,
        contact_name=contact_name,
        project_name=project_name,
        share_url=share_url,
        expires_at=expires_at,
    )


def notification(
    org: Any, *, contact_name: str, sentence: str, page_url: str, settings_url: str
) -> Letter:
    """What is new, to somebody with an account."""
    return _letter(
        "notification",
        org,
        contact_name=contact_name,
        sentence=sentence,
        page_url=page_url,
        settings_url=settings_url,
    )


def reminder(org: Any, doc: Any, *, contact_name: str, link_url: str, lifetime_text: str) -> Letter:
    """A quote waits for an answer, or an invoice for its money, and the day is near."""
    return _letter(
        "reminder",
        org,
        doc=doc,
        contact_name=contact_name,
        link_url=link_url,
        lifetime_text=lifetime_text,
    )


def payment_instructions_changed(
    org: Any, *, by: str, at: dt.datetime, changes: list[dict[str, str]]
) -> Letter:
    """To the team, at the address before the change: customers now pay in another way."""
    return _letter("payment_instructions_changed", org, by=by, at=at, changes=changes)


def account_setup(org: Any, *, contact_name: str, customer_name: str, token_url: str) -> Letter:
    """The way into the account portal, for an invitation and for whoever asked by a link."""
    return _letter(
        "account_setup",
        org,
        contact_name=contact_name,
        customer_name=customer_name,
        token_url=token_url,
    )


def password_reset(org: Any, *, contact_name: str, customer_name: str, token_url: str) -> Letter:
    """The way to a new password."""
    return _letter(
        "password_reset",
        org,
        contact_name=contact_name,
        customer_name=customer_name,
        token_url=token_url,
    )


def password_changed(org: Any, *, contact_name: str, sign_in_url: str) -> Letter:
    """Somebody set a new password: the owner of the mailbox learns of it."""
    return _letter("password_changed", org, contact_name=contact_name, sign_in_url=sign_in_url)


def staff_invitation(org: Any, *, name: str, token_url: str) -> Letter:
    """The way into the console for a new member of the team."""
    return _letter("staff_invitation", org, name=name, token_url=token_url)


def staff_reset(org: Any, *, name: str, token_url: str) -> Letter:
    """The way to a new password for the console."""
    return _letter("staff_reset", org, name=name, token_url=token_url)


def staff_notice(org: Any, *, name: str, notice: str, sign_in_url: str) -> Letter:
    """To a member of the team: something about their own sign-in, or their place (StaffNotice)."""
    return _letter("staff_notice", org, name=name, notice=notice, sign_in_url=sign_in_url)


def _letter(
    template: str, org: Any, *, attached: tuple[Attached, ...] = (), **values: Any
) -> Letter:
    env = _environment(org.locale, org.timezone)
    values["has_attachment"] = bool(attached)
    subject = env.get_template(f"email/{template}/subject.txt").render(org=org, **values)
    text = env.get_template(f"email/{template}/body.txt").render(org=org, **values)
    html = env.get_template(f"email/{template}/body.html").render(org=org, **values)
    return Letter(
        subject=" ".join(subject.split())[:200],
        text=text.strip() + "\n",
        html=_inliner.inline(html),
        attached=attached,
    )


_inliner = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=True)


@lru_cache(maxsize=64)
def _environment(locale: str, zone: str) -> Environment:
    env = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters["money"] = lambda minor, currency: formats.money(minor, currency, locale)
    env.filters["day"] = lambda value: formats.day(value, locale)
    env.filters["moment"] = lambda value: formats.moment(value, locale, zone)
    env.filters["number"] = lambda value: formats.number(value, locale)
    return env

"""A11: what people choose for themselves, their password, and where they are signed in."""

from __future__ import annotations

import pytest

from portico.records.account import PortalAccount
from portico.records.activity import Activity
from tests.cast import MARIT, OLAF, PASSWORD

NEW = "a quiet boathouse in november"
CHOSEN = {
    "salutation": "Ms Solberg",
    "locale": "de",
    "timezone": "Asia/Tokyo",
    "mail_documents": "yes",
}


@pytest.fixture
def page(acme):
    return f"{acme.portal}/settings"


def _account(acme):
    (account,) = acme.rows(PortalAccount)
    return account


def _types(acme):
    return [row.type for row in acme.log()]


def test_the_outsider_sees_and_changes_nothing(acme, page):
    acme.account(MARIT)
    before = acme.dump()
    outsider = acme.stage.visitor()
    for path in ("", "/password", "/sign-out-elsewhere"):
        for answer in (outsider.get(page + path), outsider.post(page + path, CHOSEN)):
            assert answer.status == 303
            assert "/login" in answer.location
    assert acme.dump() == before


def test_a_form_of_another_browser_changes_nothing(acme, page):
    browser, other = acme.account(MARIT), acme.account(OLAF)
    foreign = other.get(page).form("/settings")[1]
    before = acme.dump()
    assert browser.post(page, CHOSEN).status == 403
    assert browser.post(page, foreign | CHOSEN).status == 403
    assert acme.dump() == before


@pytest.mark.parametrize("htmx", [False, True])
def test_what_was_chosen_is_kept_and_followed(acme, page, htmx):
    browser = acme.account(MARIT)
    # Boxes without a tick are not sent.
    fields = {"csrf_token": browser.get(page).form("/settings")[1]["csrf_token"], **CHOSEN}
    saved = browser.post(page, fields, htmx=htmx)
    assert (saved.headers["HX-Redirect"] if htmx else saved.location).endswith("?done=saved")
    account = _account(acme)
    assert (account.salutation, account.locale, account.timezone) == (
        "Ms Solberg",
        "de",
        "Asia/Tokyo",
    )
    assert account.mail_documents
    assert not any([account.mail_decisions, account.mail_messages, account.mail_reminders])
    shown = browser.get(f"{page}?done=saved")
    assert "Your settings are saved." in shown.text
    assert "Pages are in English today." in shown.text
    assert {
        one.get("value") for one in shown.tree.iter("option") if one.get("selected") is not None
    } == {"de", "Asia/Tokyo"}
    # Amounts, days and the greeting of mails follow; the document's own day does not move.
    acme.mailed(acme.document(MARIT), MARIT)
    letter = acme.stage.letters_to(MARIT)[-1].message.get_body(("plain",)).get_content()
    assert "Hello Ms Solberg" in letter
    assert "6.227,85" in letter
    assert "26.11.2026" in letter
    changes = [row for row in acme.log() if row.type == Activity.UPDATE_PROFILE]
    assert [sorted(row.details["fields"])[:2] for row in changes] == [["locale", "mail_decisions"]]
    browser.post(page, fields)
    assert _types(acme).count(Activity.UPDATE_PROFILE) == 1, "the same again is no change"


@pytest.mark.parametrize("htmx", [False, True])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("locale", "xx_XX"),
        ("locale", "en_GB\udcff"),
        ("timezone", "Mars/Olympus"),
        ("timezone", "../../etc/passwd"),
        ("salutation", "M" * 10_000),
        ("salutation", "\u202eMarit"),
    ],
)
def test_bad_input_gets_a_sentence_at_its_field_and_changes_nothing(acme, page, field, value, htmx):
    browser = acme.account(MARIT)
    before = acme.dump()
    sent = value.encode("utf-8", "surrogateescape") if "\udcff" in value else value
    told = browser.fill_in(page, CHOSEN | {field: sent}, form="/settings", htmx=htmx)
    assert told.status == 422
    assert acme.dump() == before
    if "\udcff" not in value:
        assert told.tree.xpath(f"//*[@id='f-{field}-error']")
        assert told.tree.xpath(f"//*[@name='{field}' and @aria-invalid='true']")
        assert "Ms Solberg" in told.source or field == "salutation", "the rest stays as typed"


def test_half_a_form_changes_nothing(acme, page):
    browser = acme.account(MARIT)
    token = browser.get(page).form("/settings")[1]["csrf_token"]
    before = acme.dump()
    assert browser.post(page, {"csrf_token": token}).status == 422
    assert browser.post(page, {"csrf_token": token, "locale": ["de", "fr"]}).status == 422
    assert acme.dump() == before


@pytest.mark.parametrize("htmx", [False, True])
def test_a_new_password_needs_the_present_one_and_ends_other_sessions(acme, page, htmx):
    browser = acme.account(MARIT)
    elsewhere = acme.stage.visitor("198.51.100.3")
    elsewhere.sign_in(acme.public_url, MARIT.email, PASSWORD, org="halden")
    for typed, field in (
        ({"current": "not it at all", "password": NEW, "again": NEW}, "current"),
        ({"current": PASSWORD, "password": NEW, "again": NEW + "!"}, "again"),
        ({"current": PASSWORD, "password": "short", "again": "short"}, "password"),
    ):
        told = browser.fill_in(page, typed, form="/password", htmx=htmx)
        assert told.status == 422
        assert told.tree.xpath(f"//*[@id='f-{field}-error']")
        assert NEW not in told.source
    assert elsewhere.get(page).status == 200
    done = browser.fill_in(
        page, {"current": PASSWORD, "password": NEW, "again": NEW}, form="/password", htmx=htmx
    )
    assert (done.headers["HX-Redirect"] if htmx else done.location).endswith("?done=password")
    assert browser.get(page).status == 200
    assert elsewhere.get(page).status == 303
    assert (
        acme.stage.visitor().sign_in(acme.public_url, MARIT.email, PASSWORD, org="halden").status
        == 422
    )
    assert (
        acme.stage.visitor().sign_in(acme.public_url, MARIT.email, NEW, org="halden").status == 303
    )
    types = _types(acme)
    assert types.count(Activity.CHANGE_PASSWORD) == 1
    assert types.count(Activity.FAILED_LOGIN) == 2, "the wrong present one, and the old one"
    acme.stage.deliver()
    assert "was changed" in acme.stage.letters_to(MARIT)[-1].message["Subject"]


def test_a_stolen_session_cannot_guess_the_password(acme, page):
    browser = acme.account(MARIT)
    fields = browser.get(page).form("/password")[1]
    guess = fields | {"current": "a guess of twelve", "password": NEW, "again": NEW}
    statuses = []
    for number in range(12):
        thief = acme.stage.visitor(f"198.51.100.{number}")
        thief.steal(browser)
        statuses.append(thief.post(f"{page}/password", guess).status)
    assert statuses == [422] * 10 + [429] * 2
    assert (
        acme.stage.visitor("192.0.2.9")
        .sign_in(acme.public_url, MARIT.email, PASSWORD, org="halden")
        .status
        == 303
    )


def test_wrong_present_passwords_lock_the_sign_in_of_that_address(acme, page):
    acme.account(MARIT)
    fresh = acme.stage.visitor("198.51.100.3")
    for _ in range(9):
        fresh.sign_in(acme.public_url, MARIT.email, "a guess of twelve", org="halden")
    fresh.sign_in(acme.public_url, MARIT.email, PASSWORD, org="halden")
    wrong = {"current": "a guess of twelve", "password": NEW, "again": NEW}
    for _ in range(10):
        told = fresh.fill_in(page, wrong, form="/password")
    assert told.status in {422, 429}
    again = acme.stage.visitor("198.51.100.3")
    assert again.sign_in(acme.public_url, MARIT.email, PASSWORD, org="halden").status == 429


def test_where_the_person_is_signed_in_and_out_of_everywhere_else(acme, page, clock):
    phone = (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 "
        "(KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1"
    )
    browser = acme.account(MARIT)
    acme.account(OLAF, address="192.0.2.200")
    assert "Sign out everywhere else" not in browser.get(page).text
    other = acme.stage.visitor("198.51.100.3", User_Agent=phone)
    other.sign_in(acme.public_url, MARIT.email, PASSWORD, org="halden")
    clock.advance(minutes=6)
    shown = browser.get(page)
    assert "Firefox on Linux" in shown.text
    assert "Mobile Safari on iOS, mobile" in shown.text
    assert "198.51.100.3" in shown.text
    assert "192.0.2.200" not in shown.text, "somebody else's sign-in"
    assert browser.get(f"{page}/sign-out-elsewhere").location == page
    assert other.get(page).status == 200
    done = browser.fill_in(shown, form="/sign-out-elsewhere")
    assert "signed out everywhere else" in browser.get(done.location).text
    assert other.get(page).status == 303
    assert browser.get(page).status == 200
    (logout,) = [row for row in acme.log() if row.type == Activity.LOGOUT]
    assert logout.details == {"elsewhere": 1}

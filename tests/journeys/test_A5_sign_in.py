"""A5: one answer and the same work for whoever cannot sign in; limits that shut no customer out."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier, get_ident

import bcrypt
import pytest
import sqlalchemy as sa
from sqlalchemy import event

from portico.records.account import PortalAccount, PortalSession
from portico.records.activity import Activity
from tests.cast import BEA, MARIT, OLAF, PASSWORD

WRONG = "the boathouse floor does not creak"


def _sign_in(stage, email, password, address="203.0.113.7", visitor=None):
    visitor = visitor or stage.visitor(address)
    return visitor.sign_in(stage.acme.public_url, email, password, org="halden")


@pytest.fixture(params=["sqlite", "redis"])
def counted(request, raise_curtain):
    """Counting in a file, and in Redis (which counts by the real clock)."""
    if request.param == "sqlite":
        request.getfixturevalue("clock")
        return raise_curtain()
    return raise_curtain(PORTICO_LIMITS_URL=request.getfixturevalue("redis_url"))


def test_the_outsider_does_not_get_in(both):
    both.acme.account()
    for email, password in (
        (MARIT.email, WRONG),
        (MARIT.email, PASSWORD.upper()),
        (MARIT.email, PASSWORD + " "),
        (OLAF.email, PASSWORD),
        ("mallory@mallory.example", PASSWORD),
        (BEA.email, PASSWORD),
        (f"{MARIT.email}' OR 1=1 --", PASSWORD),
        ("a" * 10_000, "b" * 10_000),
        ("\x00", "\x00"),
    ):
        answer = _sign_in(both, email, password)
        assert answer.status == 422, email
        assert "do not belong together" in answer.text
        assert "\x00" in password or password not in answer.source
    assert both.acme.log()[-1].type == Activity.FAILED_LOGIN


def test_the_customer_gets_in_and_where_they_wanted_to_go(both):
    both.acme.account()
    visitor = both.visitor()
    wanted = f"{both.acme.portal}/dashboard?from=mail"
    sent = visitor.get(wanted)
    assert sent.location.startswith(f"{both.acme.portal}/login?next=")
    typed = {"email": f" {MARIT.email.upper()} ", "password": PASSWORD, "org": "halden"}
    done = visitor.fill_in(sent.location, typed, form="/login")
    assert (done.status, done.location) == (303, wanted)
    assert visitor.get(wanted).status == 200


@pytest.mark.parametrize(
    "next_",
    [
        "https://mallory.example/customer-portal/",
        "//mallory.example/customer-portal/x",
        "/customer-portal\\@mallory.example",
        "/i/whatever",
        "javascript:alert(1)",
        "//[",
        "/customer-portal/" + "x" * 500,
    ],
)
def test_nothing_leads_elsewhere(stage, next_):
    stage.acme.account()
    visitor = stage.visitor()
    form = visitor.get(f"{stage.acme.portal}/login").form("/login")[1]
    typed = {"email": MARIT.email, "password": PASSWORD, "org": "halden", "next": next_}
    done = visitor.post(f"{stage.acme.portal}/login", form | typed)
    assert done.location == f"{stage.acme.portal}/dashboard"


def test_what_is_missing_is_said_at_its_field_and_counts_as_no_try(stage):
    for _ in range(12):
        page = _sign_in(stage, "", "")
        assert page.status == 422
    for field in ("email", "password"):
        node = page.tree.find(f".//input[@id='f-{field}']")
        assert node.get("aria-invalid") == "true"
        assert node.get("aria-describedby") == f"f-{field}-error"
    stage.acme.account()
    assert _sign_in(stage, MARIT.email, PASSWORD).status == 303


def test_a_form_of_another_browser_or_site_signs_nobody_in(stage):
    stage.acme.account()
    portal, visitor = stage.acme.portal, stage.visitor()
    typed = {"email": MARIT.email, "password": PASSWORD, "org": "halden"}
    other = stage.visitor().get(f"{portal}/login").form("/login")[1]
    own = visitor.get(f"{portal}/login").form("/login")[1]
    assert visitor.post(f"{portal}/login", typed).status == 403
    assert visitor.post(f"{portal}/login", other | typed).status == 403
    foreign = {"Origin": "https://mallory.example", "Sec_Fetch_Site": "cross-site"}
    assert visitor.post(f"{portal}/login", own | typed, **foreign).status == 403
    assert visitor.post(f"{portal}/login", own | typed, Referer=None).status == 303


# --- the same answer, for the same work ------------------------------------------------------


@contextmanager
def _work_done():
    """Counts SQL statements, and bcrypt's checks by their cost, in this process."""
    done: list[str] = []
    checkpw, here = bcrypt.checkpw, get_ident()

    def statement(_c, _cursor, text, *_rest):
        if get_ident() == here:  # the log is brought in by a thread of its own
            done.append(text.split()[0])

    def check(password, kept):
        done.append(f"bcrypt {kept[:7]!r}")
        return checkpw(password, kept)

    event.listen(sa.Engine, "before_cursor_execute", statement)
    bcrypt.checkpw = check
    try:
        yield done
    finally:
        bcrypt.checkpw = checkpw
        event.remove(sa.Engine, "before_cursor_execute", statement)


def _identity(answer, email):
    """An answer but for the echoed address and the form's own token."""
    text = re.sub(r'name="csrf_token"\s+value="[^"]+"', "csrf", answer.source)
    assert answer.source.count(email) == text.count(email) <= 1
    return answer.status, text.replace(email, "…"), sorted(answer.headers.keys())


def _cast_of_failures(stage):
    """Each reason why somebody cannot sign in, by an address that stands for it."""
    stage.acme.account()  # a wrong password
    stage.acme.invite(OLAF)  # not set up
    people = {"known": MARIT.email, "not set up": OLAF.email, "unknown": "nobody@nowhere.example"}
    for reason in ("disabled", "no access"):
        email = people[reason] = f"{reason.replace(' ', '.')}@fjordhus.example"
        named = ("halden", MARIT.customer, email)
        assert stage.command("contact", "add", *named[:2], "--name", reason, "--email", email)
        assert stage.command("account", "invite", *named).exit_code == 0
        words = (
            ("account", "disable", *named)
            if reason == "disabled"
            else ("contact", "access", *named, "off")
        )
        assert stage.command(*words).exit_code == 0
    stage.deliver()
    return people


def test_every_reason_has_the_same_answer_and_the_same_work(both):
    people = _cast_of_failures(both)
    _sign_in(both, "first@nowhere.example", WRONG)  # what a process makes once
    answers, work = {}, {}
    for number, (reason, email) in enumerate(people.items()):
        visitor = both.visitor(f"203.0.113.{number}")
        form = visitor.get(f"{both.acme.portal}/login").form("/login")[1]
        typed = form | {"email": email, "password": WRONG, "org": "halden"}
        with _work_done() as done:
            answer = visitor.post(f"{both.acme.portal}/login", typed)
        answers[reason], work[reason] = _identity(answer, email), done
    assert len({repr(one) for one in answers.values()}) == 1, answers
    assert len({repr(one) for one in work.values()}) == 1, work
    assert sum("bcrypt" in one for one in work["known"]) == 1
    assert work["known"].count("SELECT") >= 1
    lines = [line for line in both.acme.log() if line.type == Activity.FAILED_LOGIN]
    assert len(lines) == len(people) + 1


@pytest.mark.parametrize("mail_server", ["up", "down"])
def test_asking_for_a_password_tells_nothing_either(both, mail_server):
    people = _cast_of_failures(both)
    known = len(both.inbox.messages)
    if mail_server == "down":
        both.inbox.go_down()
    answers, work = set(), set()
    for number, email in enumerate(people.values()):
        visitor = both.visitor(f"203.0.113.{number}")
        form = visitor.get(f"{both.acme.portal}/forgot-password").form()[1]
        with _work_done() as done:
            answer = visitor.post(
                f"{both.acme.portal}/forgot-password", form | {"email": email, "org": "halden"}
            )
        assert answer.status == 200
        answers.add(repr(_identity(answer, email)))
        work.add(repr(done))
    assert len(answers) == len(work) == 1
    both.deliver()
    if mail_server == "up":
        mailed = {one for letter in both.inbox.messages[known:] for one in letter.recipients}
        assert mailed == {MARIT.email, OLAF.email}


def test_strangers_cannot_flood_a_mailbox(stage, clock):
    """Five an hour for an account, however many addresses ask; nothing shows it."""
    stage.acme.account()
    clock.advance(hours=2)
    for number in range(8):
        asked = stage.visitor(f"203.0.113.{number}").fill_in(
            f"{stage.acme.portal}/forgot-password?org=halden", {"email": MARIT.email}
        )
        assert asked.status == 200
        stage.deliver()
    assert len(stage.letters_to(MARIT)) == 1 + 5
    assert stage.visitor().get(stage.way_in(MARIT)).status == 200


def test_a_new_password_ends_every_session_and_is_told_to_its_owner(both):
    marit = both.acme.account()
    asked = both.visitor("203.0.113.9").fill_in(
        f"{both.acme.portal}/forgot-password?org=halden", {"email": MARIT.email}
    )
    assert "If somebody has an account with this address" in asked.text
    both.deliver()
    link = both.way_in(MARIT)
    assert both.visitor().get(link).heading == "Your new password"
    olaf = both.acme.account(OLAF, address="203.0.113.10")
    done = olaf.fill_in(link, {"password": WRONG, "again": WRONG})  # at Olaf's computer
    assert done.location == f"{both.acme.portal}/dashboard"
    assert MARIT.name in olaf.get(done.location).text
    assert marit.get(f"{both.acme.portal}/dashboard").status == 303
    assert {one.ended_because for one in both.acme.rows(PortalSession)} == {
        "the password was set anew", "signed out", None,
    }  # fmt: skip
    both.deliver()
    assert (
        both.letters_to(MARIT)[-1].message["Subject"]
        == "Your password at Halden of Acme was changed"
    )
    assert _sign_in(both, MARIT.email, PASSWORD, "203.0.113.11").status == 422
    assert _sign_in(both, MARIT.email, WRONG, "203.0.113.11").status == 303


def test_another_cost_is_taken_up_at_the_next_sign_in(raise_curtain, clock):
    stage = raise_curtain()
    stage.acme.account()
    stage.environment["PORTICO_PASSWORD_COST"] = "5"
    stage.app = stage.start()
    for _ in range(2):
        assert _sign_in(stage, MARIT.email, PASSWORD).status == 303
        (account,) = stage.acme.rows(PortalAccount)
        assert account.password_hash.startswith("$2b$05$")


# --- limits ----------------------------------------------------------------------------------


def _wait(answer):
    assert answer.status == 429
    assert "too many tries to sign in" in answer.text
    return int(answer.headers["Retry-After"])


def test_ten_failures_lock_the_address_out_of_the_account_and_nobody_else(counted):
    counted.acme.account()
    counted.acme.account(OLAF, address="203.0.113.8")
    mallory = counted.visitor("198.51.100.66")
    for _ in range(10):
        assert _sign_in(counted, MARIT.email, WRONG, visitor=mallory).status == 422
    for password in (WRONG, PASSWORD):
        assert 890 <= _wait(_sign_in(counted, MARIT.email, password, visitor=mallory)) <= 900
    assert _wait(_sign_in(counted, MARIT.email.upper(), PASSWORD, visitor=mallory))
    assert _sign_in(counted, MARIT.email, PASSWORD, "203.0.113.20").status == 303
    assert _sign_in(counted, OLAF.email, PASSWORD, "198.51.100.66").status == 303


def test_a_lock_lasts_fifteen_minutes_from_the_last_failure(stage, clock):
    stage.acme.account()
    mallory = stage.visitor("198.51.100.66")
    for _ in range(9):
        assert _sign_in(stage, MARIT.email, WRONG, visitor=mallory).status == 422
        clock.advance(seconds=99)
    assert _sign_in(stage, MARIT.email, WRONG, visitor=mallory).status == 422  # 891 seconds later
    clock.advance(seconds=899)
    assert _wait(_sign_in(stage, MARIT.email, PASSWORD, visitor=mallory)) == 1
    clock.advance(seconds=1)
    assert _sign_in(stage, MARIT.email, WRONG, visitor=mallory).status == 422
    assert _sign_in(stage, MARIT.email, PASSWORD, visitor=mallory).status == 303


def test_sixty_failures_lock_an_address_that_tries_one_after_the_other(counted):
    counted.acme.account()
    mallory = counted.visitor("198.51.100.66")
    for number in range(60):
        email = f"{number}@fjordhus.example"
        assert _sign_in(counted, email, WRONG, visitor=mallory).status == 422
    assert 890 <= _wait(_sign_in(counted, MARIT.email, PASSWORD, visitor=mallory)) <= 900
    assert _sign_in(counted, MARIT.email, PASSWORD, "203.0.113.20").status == 303


def test_signing_in_oneself_hides_no_failures_of_the_address(counted):
    """Mallory has an account, and signs in between her guesses."""
    counted.acme.account(OLAF)
    address = "198.51.100.66"
    for number in range(59):
        email = f"{number}@fjordhus.example"
        assert _sign_in(counted, email, WRONG, address).status == 422
        if number % 10 == 0:
            assert _sign_in(counted, OLAF.email, PASSWORD, address).status == 303
    assert _sign_in(counted, "60@fjordhus.example", WRONG, address).status == 422
    assert _wait(_sign_in(counted, OLAF.email, PASSWORD, address))


def test_tries_that_come_at_once_cannot_exceed(counted):
    counted.acme.account()
    portal = counted.acme.portal
    visitors = [counted.visitor("198.51.100.66") for _ in range(24)]
    forms = [one.get(f"{portal}/login").form("/login")[1] for one in visitors]
    ready = Barrier(len(visitors))

    def guess(visitor, form):
        ready.wait(30)
        typed = form | {"email": MARIT.email, "password": WRONG, "org": "halden"}
        return visitor.post(f"{portal}/login", typed).status

    with ThreadPoolExecutor(len(visitors)) as pool:
        statuses = list(pool.map(guess, visitors, forms))
    assert statuses.count(422) == 10
    assert statuses.count(429) == 14


def test_a_thousand_wrong_passwords_from_one_address_shut_nobody_out(stage, clock):
    stage.acme.account()
    mallory = stage.visitor("198.51.100.66")
    form = mallory.get(f"{stage.acme.portal}/login").form("/login")[1]
    typed = form | {"email": MARIT.email, "password": WRONG, "org": "halden"}
    statuses = []
    for _ in range(1000):
        statuses.append(mallory.post(f"{stage.acme.portal}/login", typed).status)
        clock.advance(seconds=1)
    # Ten, then a lock of 900 seconds, then ten more at most.
    assert statuses.count(422) == 20
    assert _sign_in(stage, MARIT.email, PASSWORD, "203.0.113.20").status == 303


def test_guesses_at_two_tenants_are_counted_apart(stage):
    stage.bolt.account(BEA)
    for _ in range(11):
        last = _sign_in(stage, BEA.email, WRONG, "198.51.100.66")
    assert last.status == 429
    visitor = stage.visitor("198.51.100.66")
    assert visitor.sign_in(stage.bolt.public_url, BEA.email, PASSWORD).status == 303


def test_ten_posts_an_hour_ask_for_or_set_a_password(counted):
    links = [counted.acme.invite(MARIT), counted.acme.invite(OLAF)]
    forgot = f"{counted.acme.portal}/forgot-password?org=halden"
    visitor = counted.visitor("198.51.100.66")
    short = {"password": "short", "again": "short"}
    for number in range(5):
        assert visitor.fill_in(forgot, {"email": f"{number}@x.example"}).status == 200
        assert visitor.fill_in(links[number % 2], short).status == 422
    before = counted.acme.dump()
    for url, typed in ((forgot, {"email": MARIT.email}), (links[0], short)):
        refused = visitor.fill_in(url, typed)
        assert refused.status == 429
        assert int(refused.headers["Retry-After"]) > 3500
    assert counted.acme.dump() == before
    assert counted.visitor("203.0.113.20").fill_in(forgot, {"email": MARIT.email}).status == 200


def test_tokens_are_guessed_thirty_times_a_minute(stage):
    mallory = stage.visitor("198.51.100.66")
    guess = f"{stage.acme.portal}/setup?token={'A' * 43}"
    statuses = [mallory.get(guess).status for _ in range(31)]
    assert statuses == [410] * 30 + [429]
    link = stage.acme.invite(MARIT)
    assert mallory.get(link).status == 200

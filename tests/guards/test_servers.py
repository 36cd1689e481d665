"""The servers that other tests stand on are real, empty at the start, and gone at the end."""

from __future__ import annotations

import os
import shutil
import smtplib
import subprocess
import sys
import tempfile
import time
from email.message import EmailMessage
from pathlib import Path

import pytest
import redis
from sqlalchemy import create_engine, text

from tests.servers import postgresql


def test_every_test_gets_a_postgresql_database_of_its_own(postgres, postgres_url):
    with postgres.database() as other:
        assert other != postgres_url
        for url in (postgres_url, other):
            engine = create_engine(url)
            with engine.begin() as connection:
                connection.execute(text("CREATE TABLE seen (word text)"))
                connection.execute(text("INSERT INTO seen VALUES ('Ψ')"))
                assert connection.scalar(text("SELECT lower(word) FROM seen")) == "ψ"
            engine.dispose()


def test_a_built_database_is_copied_not_built_again(postgres):
    built = []

    def build(url):
        built.append(url)
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE plan (step integer)"))
        engine.dispose()

    for _ in range(3):
        with postgres.database("plan", build) as url:
            engine = create_engine(url)
            with engine.begin() as connection:
                assert connection.scalar(text("SELECT count(*) FROM plan")) == 0
                connection.execute(text("INSERT INTO plan VALUES (1)"))
            engine.dispose()
    assert len(built) == 1


def test_a_dropped_database_takes_its_open_connections_along(postgres):
    with postgres.database() as url:
        engine = create_engine(url)
        connection = engine.connect()
        connection.execute(text("SELECT 1"))
    connection.invalidate()
    engine.dispose()


@pytest.mark.parametrize("turn", [1, 2])
def test_every_test_gets_an_empty_redis(redis_url, turn):
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("turn", turn)


def send(inbox, *, to="dana@example.com", timeout=5.0):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "portal@example.com", to, "Grüße"
    message.set_content("Hello")
    with smtplib.SMTP(inbox.host, inbox.port, timeout=timeout) as client:
        client.send_message(message)


def test_mail_arrives_as_it_was_sent(smtp_server):
    send(smtp_server)
    [received] = smtp_server.messages
    assert received.recipients == ["dana@example.com"]
    assert received.message["Subject"] == "Grüße"


def test_the_inbox_refuses_as_often_as_it_is_told(smtp_server):
    smtp_server.refuse("451 4.7.1 later", times=1)
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(smtp_server)
    send(smtp_server)
    assert len(smtp_server.messages) == 1


@pytest.mark.parametrize(
    ("stage", "refusal"),
    [("MAIL", smtplib.SMTPSenderRefused), ("DATA", smtplib.SMTPDataError)],
)
def test_the_inbox_refuses_at_every_stage(smtp_server, stage, refusal):
    smtp_server.refuse("554 5.7.1 no", at=stage)
    with pytest.raises(refusal):
        send(smtp_server)
    assert smtp_server.messages == []


def test_the_inbox_refuses_one_address_and_takes_another(smtp_server):
    smtp_server.refuse("550 5.1.1 unknown", to=("bob@example.com",))
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(smtp_server, to="bob@example.com")
    send(smtp_server)


@pytest.mark.parametrize(("stage", "kept"), [("EHLO", 0), ("DATA", 0), ("answer", 1)])
def test_the_inbox_hangs(smtp_server, stage, kept):
    smtp_server.hang(at=stage)
    with pytest.raises((TimeoutError, smtplib.SMTPServerDisconnected)):
        send(smtp_server, timeout=0.3)
    assert len(smtp_server.messages) == kept
    smtp_server.behave()
    send(smtp_server)


def test_the_inbox_goes_down_and_comes_back_where_it_was(smtp_server):
    smtp_server.go_down()
    with pytest.raises(ConnectionRefusedError):
        send(smtp_server)
    smtp_server.behave()
    send(smtp_server)


def test_the_browser_shows_a_page(browser_page):
    browser_page.set_content("<title>Quote</title><h1>Quote 7</h1>")
    assert browser_page.title() == "Quote"
    assert browser_page.get_by_role("heading").inner_text() == "Quote 7"


def test_a_server_ends_with_the_tests_even_if_they_are_killed(tmp_path):
    script = (
        "import os, signal, sys; from tests.servers import redis_server\n"
        "with redis_server() as url:\n"
        "    print(url, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "PORTICO_TEST_REDIS"}
    environment["TMPDIR"] = str(tmp_path)  # the killed cannot clear up
    root = Path(__file__).parents[2]
    killed = subprocess.run(
        [sys.executable, "-c", script],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if killed.returncode > 0:
        pytest.skip("Redis: this machine has none")
    url = killed.stdout.strip()
    assert url
    deadline = time.monotonic() + 10
    with redis.Redis.from_url(url) as client:
        while time.monotonic() < deadline:
            try:
                client.ping()
            except redis.ConnectionError:
                return
            time.sleep(0.02)
    raise AssertionError("the server outlived its tests")


def test_postgresql_runs_from_a_folder_that_only_its_owner_may_enter(monkeypatch):
    """Root's own home, say: PostgreSQL refuses to run as root, others may not enter."""
    closed = Path(tempfile.mkdtemp())  # 0700
    try:
        programs = postgresql._copy_postgres(
            next(postgresql._postgres_candidates()), closed / "copy"
        )
        monkeypatch.setattr(postgresql, "_postgres_candidates", lambda: iter([programs]))
        monkeypatch.delenv("PORTICO_TEST_POSTGRES", raising=False)
        with postgresql.postgres_server() as server, server.database() as url:
            engine = create_engine(url)
            with engine.connect() as connection:
                assert connection.scalar(text("SELECT 1")) == 1
            engine.dispose()
    finally:
        shutil.rmtree(closed)


def test_a_skip_is_a_failure_where_nothing_may_be_skipped(tmp_path):
    (tmp_path / "test_part.py").write_text(
        "import pytest\n"
        "def test_part(): pytest.skip('Chromium: none on this machine')\n"
        "@pytest.mark.xfail(strict=True)\n"
        "def test_known(): assert False\n"
    )
    root = Path(__file__).parents[2]
    for strict, status in (("", 0), ("1", 1)):
        run = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-p",
                "tests.nothing_skipped",
                "-p",
                "no:cacheprovider",
            ]
            + ["-c", os.devnull, "--rootdir", str(tmp_path), str(tmp_path)],
            cwd=root,
            env={**os.environ, "PORTICO_NOTHING_SKIPPED": strict},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == status, run.stdout + run.stderr
        assert "Chromium: none on this machine (1)" in run.stdout
        assert "1 skipped, 1 xfailed" in run.stdout

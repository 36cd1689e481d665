"""L2: the raw token exists in the delivered address alone."""

from __future__ import annotations

import base64
import hashlib

import pytest

from portico import config
from portico.tokens import KeyIsGone
from tests.cast import KEY, MARIT, bodies, close, token_of

NEW_KEY = "a-newer-key-for-tests-9876543210-zyxwvutsrq"


def test_the_outsider_with_the_database_alone_opens_nothing(both):
    _quote, _link = both.acme.quote()
    row = both.acme.links()[0]
    mallory = both.visitor()
    for stolen in (row.nonce, row.token_sha256):
        guess = base64.urlsafe_b64encode(stolen).rstrip(b"=").decode()
        assert mallory.get(f"{both.acme.public_url}/i/{guess}").status == 404


def test_only_the_digest_is_kept(both):
    _quote, link = both.acme.quote()
    token = token_of(link)
    assert len(base64.urlsafe_b64decode(token + "=")) == 32
    assert both.acme.links()[0].token_sha256 == hashlib.sha256(token.encode()).digest()
    assert token not in repr(both.acme.dump())
    assert all(token not in repr(vars(row)) for row in both.acme.log())


def test_the_token_is_in_no_file_of_the_installation(stage):
    quote, link = stage.acme.quote()
    copied = stage.acme.copy(quote)
    visitor = stage.visitor()
    for url in (link, copied):
        visitor.get(url)
        visitor.post(f"{url}/ask", {"question": "When?"})
    stage.deliver()
    files = [file for file in stage.folder.rglob("*") if file.is_file()]
    assert len(files) > 5
    for file in files:
        data = file.read_bytes()
        assert token_of(link).encode() not in data, file.name
        assert token_of(copied).encode() not in data, file.name


def test_the_mail_carries_it_once_in_text_and_once_in_html(stage):
    _quote, link = stage.acme.quote()
    letter = stage.letters_to(MARIT)[0]
    assert [body.count(token_of(link)) for body in bodies(letter)] == [1, 1]
    headers = "".join(f"{name}: {value}" for name, value in letter.message.items())
    assert token_of(link) not in headers


def test_an_older_key_still_opens_and_mails_the_same_link(stage):
    quote, link = stage.acme.quote()
    stage.acme.send(quote, MARIT)
    waiting = stage.acme.links()[-1].token_sha256
    stage.environment["PORTICO_SECRET_KEYS"] = f"{NEW_KEY},{KEY}"
    stage.close()
    stage.app = stage.start()
    assert stage.visitor().get(link).status == 200
    stage.deliver()
    renewed = token_of(stage.link_to(MARIT))
    assert hashlib.sha256(renewed.encode()).digest() == waiting


def test_without_its_key_a_waiting_mail_says_so_and_is_not_sent(stage):
    quote = stage.acme.document(MARIT)
    stage.acme.send(quote, MARIT)
    stage.environment["PORTICO_SECRET_KEYS"] = NEW_KEY
    stage.close()
    stage.app = stage.start()
    stage.deliver()
    assert stage.letters_to(MARIT) == []
    assert KeyIsGone.__name__ in stage.acme.mails()[0].error


def test_a_short_key_is_refused_at_the_start(stage):
    with pytest.raises(config.BadSetting, match="PORTICO_SECRET_KEYS"):
        config.load(stage.environment | {"PORTICO_SECRET_KEYS": "short"})


def test_without_a_key_nothing_is_signed(stage):
    folder = stage.folder.parent / "bare"
    settings = config.load({"PORTICO_INSTANCE": str(folder)})
    with pytest.raises(config.BadSetting, match="flask setup"):
        _ = settings.newest_key


def test_two_installations_with_equal_ids_have_different_links(raise_curtain, clock):
    first, second = raise_curtain(), raise_curtain()
    links = [one.acme.copy(one.acme.document(MARIT)) for one in (first, second)]
    assert links[0] != links[1]
    assert second.visitor().get(links[0]).status == 404
    close(first.app)

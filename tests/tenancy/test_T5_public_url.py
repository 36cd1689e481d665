"""T5: links in mail begin with the tenant's configured address, whatever a request claims."""

from __future__ import annotations

import pytest

from tests.cast import MARIT, token_of


def test_a_forged_host_gets_nowhere(stage, clock):
    _quote, link = stage.acme.quote()
    clock.advance(days=2)
    forged = f"https://mallory.example/i/{token_of(link)}/request-access"
    assert stage.visitor().post(forged).status == 404
    assert stage.deliver() == 0


@pytest.mark.parametrize("header", ["X_Forwarded_Host", "Forwarded", "X_Original_Host"])
def test_a_header_does_not_change_where_the_mail_leads(stage, clock, header):
    _quote, link = stage.acme.quote()
    clock.advance(days=2)
    value = "host=mallory.example" if header == "Forwarded" else "mallory.example"
    asked = stage.visitor().post(f"{link}/request-access", **{header: value})
    assert asked.status == 200
    assert "mallory" not in asked.source
    stage.deliver()
    assert stage.link_to(MARIT) != link
    assert stage.link_to(MARIT).startswith(stage.acme.public_url + "/i/")


def test_a_wildcard_default_still_mails_the_configured_address(raise_curtain, clock):
    stage = raise_curtain(PORTICO_DEFAULT_TENANT="acme")
    _quote, link = stage.acme.quote()
    clock.advance(days=2)
    forged = f"https://mallory.example/i/{token_of(link)}/request-access"
    assert stage.visitor().post(forged).status == 200
    stage.deliver()
    assert stage.link_to(MARIT).startswith(stage.acme.public_url)
    assert not any(b"mallory" in letter.raw for letter in stage.inbox.messages)

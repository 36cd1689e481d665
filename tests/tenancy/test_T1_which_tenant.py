"""T1: every request belongs to one tenant, or is a neutral 404."""

from __future__ import annotations

import pytest

from tests.cast import BEA, MARIT, token_of


def test_a_host_that_nobody_has_gets_a_neutral_page(stage):
    answer = stage.visitor().get("https://mallory.example/i/" + "x" * 43)
    assert answer.status == 404
    assert "Acme" not in answer.text
    assert "Bolt" not in answer.text


def test_an_unknown_prefix_gets_the_same_neutral_page(stage):
    visitor = stage.visitor()
    by_path = visitor.get("https://portal.example/t/nobody/i/" + "x" * 43)
    assert by_path.status == 404
    assert by_path.text == visitor.get("https://mallory.example/").text


def test_a_tenant_is_found_by_its_host_and_by_its_prefix(stage):
    visitor = stage.visitor()
    for company, person in ((stage.acme, MARIT), (stage.bolt, BEA)):
        link = company.copy(company.document(person))
        assert link.startswith(company.public_url)
        assert visitor.get(link).heading == "Q-2041"


def test_host_and_prefix_that_name_two_tenants_belong_to_neither(stage):
    link = stage.bolt.copy(stage.bolt.document(BEA))
    crossed = f"https://acme.portal.example/t/bolt/i/{token_of(link)}"
    assert stage.visitor().get(link).status == 200
    assert stage.visitor().get(crossed).status == 404


def test_a_sub_domain_of_the_base_domain_names_its_tenant(raise_curtain, clock):
    stage = raise_curtain(PORTICO_BASE_DOMAIN="portals.example")
    link = stage.bolt.copy(stage.bolt.document(BEA))
    visitor = stage.visitor()
    assert visitor.get(f"https://bolt.portals.example/i/{token_of(link)}").status == 200
    assert visitor.get(f"https://bolt.bolt.portals.example/i/{token_of(link)}").status == 404


def test_with_several_tenants_no_host_falls_back_to_one_of_them(stage):
    link = stage.acme.copy(stage.acme.document(MARIT))
    assert stage.visitor().get(f"https://portal.example/i/{token_of(link)}").status == 404


def test_the_named_default_serves_every_host(raise_curtain, clock):
    stage = raise_curtain(PORTICO_DEFAULT_TENANT="acme")
    link = stage.acme.copy(stage.acme.document(MARIT))
    assert stage.visitor().get(f"https://whatever.example/i/{token_of(link)}").status == 200


@pytest.mark.parametrize("host", ["ACME.PORTAL.EXAMPLE", "acme.portal.example:8443"])
def test_case_and_port_of_a_host_do_not_matter(stage, host):
    link = stage.acme.copy(stage.acme.document(MARIT))
    assert stage.visitor().get(f"https://{host}/i/{token_of(link)}").status == 200


@pytest.mark.parametrize("path", ["/t/", "/t//i/x", "/t/ac%00me/i/x", "/t/../i/x", "/t/nobody"])
def test_a_strange_prefix_is_a_neutral_404(stage, path):
    assert stage.visitor().get("https://portal.example" + path).status == 404

"""T4: a cookie belongs to one tenant and one guard, and stays on its host or path."""

from __future__ import annotations

import pytest

from tests.cast import BEA, MARIT

CUSTOMER = {"acme": "__Host-portico_customer", "bolt": "__Secure-portico_customer_bolt"}


def _cookie(answer):
    (cookie,) = answer.headers.getlist("Set-Cookie")
    return cookie


def test_the_outsider_with_no_cookie_is_given_none_by_a_link(stage):
    _quote, link = stage.acme.quote()
    for path in ("", "/settings", "/pdf"):
        assert "Set-Cookie" not in stage.visitor().get(link + path).headers
    marit = stage.acme.account()
    assert "Set-Cookie" not in marit.get(link).headers


@pytest.mark.parametrize(("slug", "path"), [("acme", "/"), ("bolt", "/t/bolt/")])
def test_a_cookie_is_scoped_to_its_tenants_host_or_path(stage, slug, path):
    company = getattr(stage, slug)
    person = MARIT if slug == "acme" else BEA
    company.account(person)
    visitor = stage.visitor()
    form = visitor.get(f"{company.portal}/login")
    done = visitor.fill_in(
        form, {"email": person.email, "password": "wrong password", "org": "halden"}, form="/login"
    )
    assert done.status == 422
    for cookie in (_cookie(form), _cookie(visitor.sign_in(company.public_url, person.email,
                                                         "the boathouse floor creaks",
                                                         org="halden"))):  # fmt: skip
        name, _, rest = cookie.partition("=")
        assert name == CUSTOMER[slug]
        attributes = {part.strip() for part in rest.split(";")[1:]}
        assert {"Secure", "HttpOnly", "SameSite=Lax", f"Path={path}"} <= attributes
        assert "Domain" not in cookie


def test_a_session_of_one_tenant_is_nothing_to_the_other(stage):
    """The cookie's value under every name it could have there, and by every address."""
    marit, bea = stage.acme.account(), stage.bolt.account(BEA, address="203.0.113.8")
    values = [marit.cookies()[CUSTOMER["acme"]], bea.cookies()[CUSTOMER["bolt"]]]
    names = [*CUSTOMER.values(), "portico_customer", "portico_customer_bolt", "session",
             "portico_staff", "__Host-portico_staff", "__Secure-portico_staff_bolt"]  # fmt: skip
    for value, foreign in zip(values, (stage.bolt, stage.acme), strict=True):
        cookie = "; ".join(f"{name}={value}" for name in names)
        for page in ("dashboard", "logout"):
            answer = stage.visitor().get(f"{foreign.portal}/{page}", Cookie=cookie)
            assert answer.status == 303
            assert "/customer-portal/login" in answer.location
    own = "; ".join(f"{name}={values[0]}" for name in names)
    assert stage.visitor().get(f"{stage.acme.portal}/dashboard", Cookie=own).status == 200


def test_a_customers_cookie_is_nothing_to_the_console(stage):
    marit = stage.acme.account()
    value = marit.cookies()[CUSTOMER["acme"]]
    names = [CUSTOMER["acme"], "__Host-portico_staff", "portico_staff"]
    cookie = "; ".join(f"{name}={value}" for name in names)
    for path in ("/staff/", "/staff/login", "/staff/customers"):
        answer = stage.visitor().get(stage.acme.public_url + path, Cookie=cookie)
        assert answer.status in {303, 308, 404} or path == "/staff/login"
        if answer.status == 303:
            assert "/staff/login" in answer.location


def test_a_host_and_a_path_that_disagree_belong_to_neither(stage):
    marit = stage.acme.account()
    value = marit.cookies()[CUSTOMER["acme"]]
    cookie = "; ".join(f"{name}={value}" for name in CUSTOMER.values())
    answer = stage.visitor().get(
        "https://acme.portal.example/t/bolt/customer-portal/dashboard", Cookie=cookie
    )
    assert answer.status == 404
    assert "Set-Cookie" not in answer.headers

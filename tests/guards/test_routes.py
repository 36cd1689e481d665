"""Every address there is, listed: URLs in inboxes are a contract. And each door has its gate."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cast import MARIT, token_of

# What guests may see: the way in. A form without its token is refused.
ENTRANCE = {
    f"{door}.{name}"
    for door in ("customer_portal", "console")
    for name in ("login", "setup", "forgot_password", "reset_password")
}
LISTED = Path(__file__).with_name("routes.txt")
METHODS = ("GET", "POST")
# What needs no gate, and why.
UNGATED = {
    "static": "style sheets and scripts",
    "public_links.front_door": "leads to the page where customers sign in",
    "public_links.brand": "a colour, for the style sheet of every page",
    "public_links.logo": "a picture that stands on every page",
}


def _routes(app):
    return sorted(
        f"{rule.rule} {method}"
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) & set(METHODS))
    )


def _paths(app, token):
    """An address of each route, with its method; what is asked for does not exist."""
    values = {
        "token": token, "position": 1, "colour": "000000", "filename": "x.css", "name": "x",
        "section": "quotes", "document_id": 1,
    }  # fmt: skip
    with app.test_request_context("/"):
        for rule in app.url_map.iter_rules():
            if rule.endpoint in UNGATED:
                continue
            path = rule.rule.replace("<token>", token)
            for name, value in values.items():
                for form in (f"<{name}>", f"<int:{name}>", f"<path:{name}>", f"<{name}:{name}>"):
                    path = path.replace(form, str(value))
            path = re.sub(r"<(?:\w+:)?\w+>", "1", path)
            for method in sorted((rule.methods or set()) & set(METHODS)):
                yield rule.endpoint, method, path


def test_every_route_is_listed_and_every_listed_route_is_there(stage):
    """A line that disappears is a link in somebody's inbox that is dead. Add, never take away."""
    listed = LISTED.read_text().splitlines()
    assert _routes(stage.app) == listed


def test_the_demonstrations_mailbox_is_in_the_demonstration_alone(stage, raise_curtain):
    assert not [route for route in _routes(stage.app) if "/demo" in route]
    demo = raise_curtain(PORTICO_DEMO="1")
    assert [route for route in _routes(demo.app) if route.startswith("/demo/mail")]


def test_every_blueprint_has_a_gate(stage):
    for name in stage.app.blueprints:
        assert stage.app.before_request_funcs.get(name), f"{name} lets everybody in"


def test_the_first_hook_of_all_binds_the_tenant(stage):
    first = stage.app.before_request_funcs[None][0]
    assert first.__name__ == "bind_request"


@pytest.mark.parametrize("host", ["https://acme.portal.example", "https://portal.example/t/bolt"])
def test_the_anonymous_outsider_gets_a_404_or_is_sent_away_everywhere(stage, host):
    answered = {}
    for number, (endpoint, method, path) in enumerate(_paths(stage.app, "A" * 43)):
        visitor = stage.visitor(f"203.0.113.{number}")
        ask = visitor.get if method == "GET" else visitor.post
        status = ask(host + path).status
        if endpoint.removesuffix("_submit") in ENTRANCE:
            assert status in ({200, 410} if method == "GET" else {403}), endpoint
            continue
        answered[f"{endpoint} {method}"] = status
    assert len(answered) >= 20
    assert {
        name: status for name, status in answered.items() if status not in {404, 302, 303}
    } == {}


def test_at_a_host_that_nobody_has_there_is_nothing_at_all(stage):
    link = stage.acme.copy(stage.acme.document(MARIT))
    for number, (_endpoint, method, path) in enumerate(_paths(stage.app, token_of(link))):
        visitor = stage.visitor(f"203.0.113.{number}")
        ask = visitor.get if method == "GET" else visitor.post
        assert ask("https://mallory.example" + path).status == 404

"""Templates hold no style, no script and no address of their own, and escape everything."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.guards.tree import files, inside, read

# Mail programs and the PDF engine know no stylesheet of ours.
STYLED_IN_PLACE = ("templates/email", "templates/pdf")
# Templates that may print HTML as it is, each with who made that HTML safe.
MAY_PRINT_HTML: dict[str, str] = {}

_ADDRESSES = "href|src|action|formaction|poster|data|hx-(?:get|post|put|patch|delete|push-url)"
_TAG = r"<[a-zA-Z][^<>]*?\s"

RULES_FOR_PAGES = {
    re.compile(_TAG + r"style\s*=", re.I): "an inline style: the CSP drops it",
    re.compile(_TAG + r"on[a-z]+\s*=", re.I): "an inline handler: the CSP drops it",
    re.compile(_TAG + r"hx-on[:\w-]*\s*=", re.I): "an inline handler: the CSP drops it",
    re.compile(r"<style\b", re.I): "an inline stylesheet: the CSP drops it",
    re.compile(
        r"<script\b(?![^<>]*type=[\"']application/(?:ld\+)?json[\"'])[^<>]*>\s*[^\s<]", re.I
    ): "an inline script: the CSP drops it",
    re.compile(
        r"<(?:script|img|iframe|audio|video|source|embed|object|link)\b[^<>]*?\s"
        r"(?:src|href|data|srcset)\s*=\s*[\"']?(?:https?:)?//",
        re.I,
    ): "something loaded from elsewhere",
}
RULES_FOR_ALL = {
    re.compile(_TAG + rf"(?:{_ADDRESSES})\s*=\s*[\"']?/", re.I): "a written-out address: url_for",
    re.compile(_TAG + rf"(?:{_ADDRESSES})\s*=\s*[\"']?\s*javascript:", re.I): "a script address",
}
UNESCAPED = re.compile(r"\|\s*safe\b|\bautoescape\s+false\b|\bMarkup\s*\(")
_COMMENT = re.compile(r"\{#.*?#\}|<!--.*?-->", re.S)
_JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.S)


def offences(path: str, text: str) -> Iterator[str]:
    text = _COMMENT.sub(_blank, text)
    if path not in MAY_PRINT_HTML:
        for block in _JINJA.finditer(text):
            if UNESCAPED.search(block.group()):
                yield _at(path, text, block.start(), "prints HTML as it is")
    # What Jinja prints has no angle brackets here, and stands for one harmless word.
    page = _JINJA.sub(lambda block: "x" + _blank(block)[1:], text)
    rules = dict(RULES_FOR_ALL)
    if not inside(path, STYLED_IN_PLACE):
        rules.update(RULES_FOR_PAGES)
    for rule, why in rules.items():
        for found in rule.finditer(page):
            yield _at(path, text, found.end() - 1, why)


def _blank(found: re.Match[str]) -> str:
    """As long as before and with the same lines, so that places stay true."""
    return re.sub(r"[^\n]", " ", found.group())


def _at(path: str, text: str, place: int, why: str) -> str:
    return f"{path}:{text.count(chr(10), 0, place) + 1} {why}"


def test_templates_hold_no_style_no_script_and_no_address():
    found: list[str] = []
    for path in files():
        if path.startswith("templates/") and path.endswith((".html", ".svg", ".xml", ".jinja")):
            found.extend(offences(path, read(path) or ""))
    assert found == []


@pytest.mark.parametrize(
    "snippet",
    [
        '<p style="color: red">',
        "<p\n  class='a'\n  STYLE='color: red'>",
        '<p class="{{ kind }}" style="x">',
        '<button onclick="go()">',
        '<button hx-on:click="go()">',
        "<script>go()</script>",
        '<script nonce="{{ nonce }}">\n  go()\n</script>',
        "<script>{{ data }}</script>",
        "<style>p {}</style>",
        '<a href="/quotes">',
        "<form action='/quotes/{{ id }}'>",
        "<button hx-post=/accept>",
        '<a href="javascript:go()">',
        '<script src="https://cdn.example/htmx.js"></script>',
        '<img src="//pixel.example/1.gif">',
        "{{ body|safe }}",
        "{{ body | trim | safe }}",
        "{% autoescape false %}{{ body }}{% endautoescape %}",
    ],
)
def test_the_guard_sees_an_offence(snippet):
    assert list(offences("templates/portal/quote.html", snippet))


@pytest.mark.parametrize(
    "snippet",
    [
        "<a href=\"{{ url_for('public.quote', token=token) }}\">",
        '<a href="https://example.com/terms" class="style=">',
        "<script src=\"{{ asset('htmx.js') }}\" defer></script>",
        '<script type="application/json">{{ config|tojson }}</script>',
        '{# <p style="x"> is not for us #}<p data-style="x" title="on = off">',
        "{% if a > b %}<p class=\"x\">{% endif %} style = 'x'",
        "{{ field(style='plain') }}",
        "{{ safe }} {{ name|safely }}",
    ],
)
def test_the_guard_lets_a_good_template_pass(snippet):
    assert list(offences("templates/portal/quote.html", snippet)) == []


def test_mail_and_paper_may_carry_their_style():
    for path in ("templates/email/quote/body.html", "templates/pdf/plain.html"):
        assert list(offences(path, '<style>p {}</style><p style="x">')) == []
        assert list(offences(path, '<a href="/quotes">'))


def test_an_offence_is_named_with_its_line():
    [offence] = offences("templates/a.html", '{# one\ntwo #}\n<p style="x">')
    assert offence.startswith("templates/a.html:3 ")

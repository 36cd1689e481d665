"""Whatever is sent: a clear sentence, nothing changed, and never an accident of ours."""

from __future__ import annotations

import random

import pytest

from portico.records.decision import Decision
from portico.records.message import Message
from tests.cast import MARIT
from tests.crowd import ask, running

YES = {"name": "Marit Solberg", "revision": "1"}
TOKENS = {
    "nothing": "%20",
    "one character": "a",
    "42 characters": "a" * 42,
    "44 characters": "a" * 44,
    "ten thousand": "a" * 10_000,
    "NUL": "a%00" + "b" * 41,
    "broken UTF-8": "%ff%fe" + "a" * 41,
    "a lone surrogate": "%ED%A0%80" + "a" * 42,
    "letters that look alike": "%D0%B0" + "a" * 42,
    "digits of another script": "%D9%A1" * 43,
    "a line break at the end": "a" * 43 + "%0a",
    "a line break within": "a" * 21 + "%0d%0aX:%20y" + "a" * 21,
    "percent": "%25" * 43,
    "SQL": "'%20OR%201=1--",
    "a template": "%7B%7B7*7%7D%7D",
    "base64 of the other alphabet": "a" * 41 + "+%3D",
    "two dots": "..",
}


def test_a_token_of_any_shape_is_a_neutral_404(stage, subtests):
    for number, (what, token) in enumerate(TOKENS.items()):
        visitor = stage.visitor(f"198.51.100.{number}")
        for prefix in ("i", "q", "portal"):
            url = f"{stage.acme.public_url}/{prefix}/{token}"
            with subtests.test(f"{what} in /{prefix}/"):
                for path in ("", "/pdf", "/files/1"):
                    assert visitor.get(url + path).status == 404
                assert visitor.post(f"{url}/accept", YES).status == 404


def test_random_bytes_in_the_address_are_a_neutral_404(stage):
    chance = random.Random(11)
    for number in range(60):
        path = "".join(f"%{chance.randrange(256):02x}" for _ in range(chance.randrange(1, 60)))
        visitor = stage.visitor(f"203.0.113.{number}")
        assert visitor.get(f"{stage.acme.public_url}/i/{path}").status in {404, 308}


FORMS = {
    "no fields": {},
    "no name": {"revision": "1"},
    "no revision": {"name": "Marit"},
    "an empty revision": YES | {"revision": ""},
    "revision -1": YES | {"revision": "-1"},
    "revision 2**64": YES | {"revision": str(2**64)},
    "revision of 5,000 digits": YES | {"revision": "9" * 5000},
    "revision 1.0": YES | {"revision": "1.0"},
    "revision +1": YES | {"revision": "+1"},
    "revision of another script": YES | {"revision": "١"},
    "revision NUL": YES | {"revision": "1\x00"},
    "a name of 10,000 characters": YES | {"name": "x" * 10_000},
    "a name of 201 characters": YES | {"name": "x" * 201},
    "a name of 100,000 characters": YES | {"name": "x" * 100_000},
    "a name with NUL": YES | {"name": "Marit\x00"},
    "a name that turns around": YES | {"name": "Marit \u202egrebloS"},
    "a name of controls": YES | {"name": "\x1b[31mMarit"},
    "a name of blanks": YES | {"name": "\u2003\u3000 "},
    "a purchase order that is too long": YES | {"po_number": "9" * 101},
    "a note that is too long": YES | {"note": "n" * 2001},
    "a note with NUL": YES | {"note": "a\x00b"},
}


@pytest.mark.parametrize("htmx", [False, True], ids=["page", "part"])
def test_a_form_that_cannot_be_taken_changes_nothing(stage, clock, subtests, htmx):
    _quote, link = stage.acme.quote()
    before = stage.acme.dump()
    for what, form in FORMS.items():
        clock.advance(seconds=60)  # nobody sends so many at once
        with subtests.test(what):
            answer = stage.visitor().post(f"{link}/accept", form, htmx=htmx)
            assert answer.status == 422
            told = ("lease", "cannot be shown", "too long")
            assert any(words in answer.text for words in told)
            assert stage.acme.dump() == before


RAW = {
    "lone surrogates": b"name=Mari%ED%A0%80t&revision=1",
    "broken UTF-8": b"name=Mari%FF%FEt&revision=1",
    "raw broken bytes": b"name=Mari\xff\xfet&revision=1",
    "the name twice": b"name=Marit&name=Mallory&revision=1",
    "the revision twice": b"name=Marit&revision=2&revision=1",
    "only ampersands": b"&&&&",
    "no pairs": b"hello",
    "a thousand fields": b"&".join(b"f%d=1" % number for number in range(1000)),
}


def test_a_body_that_is_no_proper_form_changes_nothing(both, subtests):
    _quote, link = both.acme.quote()
    before = both.acme.dump()
    for what, body in RAW.items():
        with subtests.test(what):
            answer = both.visitor().post(
                f"{link}/accept", body, content_type="application/x-www-form-urlencoded"
            )
            assert answer.status in {400, 413, 422}
            assert "nothing was changed" in answer.text or "cannot be shown" in answer.text
            assert both.acme.dump() == before


@pytest.mark.parametrize(
    ("content_type", "status"),
    [("application/json", 415), ("text/plain", 415), ("text/xml", 415), ("x", 415),
     ("multipart/form-data", 422), ("multipart/form-data; boundary=x", 422)],
)  # fmt: skip
def test_a_body_of_another_type_changes_nothing(stage, content_type, status):
    _quote, link = stage.acme.quote()
    before = stage.acme.dump()
    answer = stage.visitor().post(f"{link}/accept", b'{"name": "Marit"}', content_type=content_type)
    assert answer.status in {status, 400}
    assert "nothing was changed" in answer.text
    assert stage.acme.dump() == before


@pytest.mark.parametrize("size", [1024 * 1024 + 1, 5 * 1024 * 1024])
@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_a_body_over_the_limit_changes_nothing(stage, size, content_type):
    _quote, link = stage.acme.quote()
    before = stage.acme.dump()
    start = b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n'
    body = (start if "multipart" in content_type else b"name=") + b"x" * size
    answer = stage.visitor().post(f"{link}/accept", body, content_type=content_type)
    assert answer.status == 413
    assert "larger than we can take" in answer.text
    assert stage.acme.dump() == before


def test_an_upload_where_none_is_asked_for_changes_nothing(stage):
    _quote, link = stage.acme.quote()
    before = stage.acme.dump()
    parts = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="f%d"; filename="a"\r\n\r\nx\r\n' % number
        for number in range(500)
    )
    answer = stage.visitor().post(
        f"{link}/accept", parts + b"--x--\r\n", content_type="multipart/form-data; boundary=x"
    )
    assert answer.status in {400, 413, 422}
    assert stage.acme.dump() == before


@pytest.mark.parametrize("path", ["", "/accept", "/end"])
def test_another_method_changes_nothing(stage, subtests, path):
    _quote, link = stage.acme.quote()
    before = stage.acme.dump()
    headers = {"Origin": stage.acme.public_url, "Sec-Fetch-Site": "same-origin"}
    for method in ("PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "PROPFIND", "X"):
        with subtests.test(method):
            answer = stage.visitor().ask(method, link + path, headers=headers)
            assert answer.status in {200, 405}
            if answer.status == 405:
                assert "GET" in answer.headers["Allow"] or "POST" in answer.headers["Allow"]
            assert stage.acme.dump() == before


WORDS = [
    ("ask", {}),
    ("ask", {"question": " \n "}),
    ("ask", {"question": "?" * 2001}),
    ("ask", {"question": "?" * 30_000}),
    ("ask", {"question": "why\x00"}),
    ("more-time", {"wish": "w" * 2001}),
    ("more-time", {"wish": "\x08"}),
    ("decline", {"revision": "1", "reason": "r" * 2001}),
    ("decline", {"revision": "1", "reason": "\x00"}),
]


def test_words_that_cannot_be_kept_are_not_kept(both, clock, subtests):
    _quote, link = both.acme.quote()
    before = both.acme.dump()
    for action, form in WORDS:
        clock.advance(seconds=60)
        with subtests.test(f"{action} {form}"[:100]):
            for htmx in (False, True):
                assert both.visitor().post(f"{link}/{action}", form, htmx=htmx).status == 422
            assert both.acme.dump() == before
            assert both.acme.rows(Message) == []
            assert both.acme.rows(Decision) == []


@pytest.mark.parametrize(
    "name", ["O'Brien; DROP TABLE decisions", "<b>Marit</b>", "משה", "王小明", "Łukasz Żółć", "x" * 200, "👩‍🔧 Marit"]
)  # fmt: skip
def test_any_name_a_person_may_have_is_kept_as_it_is(both, name):
    quote, link = both.acme.quote()
    assert both.visitor().post(f"{link}/accept", YES | {"name": f"  {name} "}).status == 303
    assert both.acme.rows(Decision)[0].signatory == name
    page = both.visitor().get(link)
    assert name in page.text
    assert page.tree.find(".//b") is None
    both.deliver()
    assert len(both.letters_to(MARIT)) == 2
    assert both.acme.read(quote).state == "accepted"


def test_a_query_of_any_shape_shows_the_page(stage):
    _quote, link = stage.acme.quote()
    for query in ("done=", "done=nonsense", "open=%00", "open=%ED%A0%80", "a=1&" * 2000):
        assert stage.visitor().get(f"{link}?{query}").status == 200, query[:100]


def test_an_attachment_that_is_not_there_is_a_404(stage):
    _quote, link = stage.acme.quote()
    for position in ("0", "-1", "1.5", "99999999999999999999", "a", "%00"):
        assert stage.visitor().get(f"{link}/files/{position}").status == 404, position


HEADERS: list[dict[str, str]] = [
    {"User_Agent": "\x7f" * 3000},
    {"User_Agent": "a" * 30_000},
    {"Accept_Language": "x" * 5000},
    {"HX_Request": "TRUE"},
    {"HX_Target": "<script>"},
    {"X_Forwarded_For": "'; DROP TABLE"},
    {"Cookie": "__Host-portico=nonsense; portico=" + "a" * 3000},
    {"Range": "bytes=0-1"},
    {"If_None_Match": "*"},
    {"Content_Length": "5"},
]


def test_headers_of_any_shape_do_no_harm(both, subtests):
    _quote, link = both.acme.quote()
    before = both.acme.dump()
    rows = len(both.acme.log())
    for headers in HEADERS:
        with subtests.test(str(headers)[:100]):
            assert both.visitor().get(link, **headers).status == 200
            assert both.acme.dump() == before
            assert [row.type for row in both.acme.log()[rows:]] == ["view_quote"]
            assert both.command("activity", "verify").exit_code == 0
        rows = len(both.acme.log())


def test_a_visitor_from_nowhere_is_served_too(stage):
    _quote, link = stage.acme.quote()
    for address in ("", "not an address", "203.0.113.7:80", "::ffff:203.0.113.7", "fe80::1%eth0"):
        assert stage.visitor(address).get(link).status == 200, address


def test_the_server_itself_answers_broken_requests(raise_curtain):
    """What no test client can send: raw bytes at the real server."""
    stage = raise_curtain()
    _quote, link = stage.acme.quote()
    before = stage.acme.dump()
    with running(stage) as (port,):
        for path in ("\x01", "%", "%zz", "%00", "%ED%A0%80", "a" * 6000):
            url = f"https://acme.portal.example/i/{path}".replace("\x01", "%01")
            assert ask(port, "GET", url).status in {400, 404, 414}
        assert ask(port, "POST", f"{link}/accept", {"name": "M" * 2_000_000}).status == 413
        # The default is no proxy: who claims to be one is not believed, so this is another host.
        assert ask(port, "GET", link).status == 200
    assert stage.acme.dump() == before

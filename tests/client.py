"""A browser's requests, and a strict reader of every answer.

``Visitor`` looks at each page and part it fetches: headers, title, headings, labels, nothing
inline, nothing from elsewhere, and the secret of the address nowhere but in the page's own links.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from flask import Flask
from lxml import html
from werkzeug.test import TestResponse

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
_SECRET = re.compile(r"(?:/(?:i|q|portal|(?:shared|p)/projects)/|[?&]token=)([^/?#&]+)")
_SIGN_IN_PATH = re.compile(r"(?:/t/[^/]+)?/(?:customer-portal|staff)(?:/|\Z)")
_TOKEN = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])")
_URL_ATTRIBUTES = {"href", "action", "hx-get", "hx-post"}


class Visitor:
    """Somebody with a browser. Posts come from the page itself unless told otherwise."""

    def __init__(self, app: Flask, address: str, headers: dict[str, str] | None = None) -> None:
        self._app = app
        self._client = app.test_client(use_cookies=True)
        self._address = address
        self._headers = {
            "User-Agent": FIREFOX,
            "Accept-Language": "en-GB,en;q=0.8",
            "Sec-Fetch-Mode": "navigate",
            **{name.replace("_", "-"): value for name, value in (headers or {}).items()},
        }

    def get(self, url: str, *, htmx: bool = False, **headers: str | None) -> Answer:
        return self.ask("GET", url, htmx=htmx, headers=headers)

    def head(self, url: str, **headers: str | None) -> Answer:
        return self.ask("HEAD", url, headers=headers)

    def post(
        self,
        url: str,
        data: Any = None,
        *,
        htmx: bool = False,
        content_type: str | None = None,
        **headers: str | None,
    ) -> Answer:
        parts = urlsplit(url)
        own = {
            "Origin": f"{parts.scheme}://{parts.netloc}",
            "Sec-Fetch-Site": "same-origin",
        }
        form = {} if data is None else data
        return self.ask(
            "POST", url, form, htmx=htmx, content_type=content_type, headers=own | headers
        )

    def fill_in(
        self,
        page: Answer | str,
        typed: dict[str, Any] | None = None,
        *,
        form: str | None = None,
        htmx: bool = False,
        **headers: str | None,
    ) -> Answer:
        """Send a form as a browser would: what the page filled in (the CSRF token too), with
        *typed* over it. *form* is how its address ends, where the page has several."""
        page = self.get(page) if isinstance(page, str) else page
        action, fields = page.form(form)
        url = urljoin(page.url, action)
        return self.post(url, fields | (typed or {}), htmx=htmx, **headers)

    def sign_in(
        self,
        portal: str,
        email: str,
        password: str,
        *,
        door: str = "customer-portal",
        **fields: str,
    ) -> Answer:
        """Sign in on the page below *portal* (a tenant's public URL); the answer to the form."""
        typed = {"email": email, "password": password, **fields}
        return self.fill_in(f"{portal}/{door}/login", typed, form="/login")

    def cookies(self) -> dict[str, str]:
        """What this browser keeps, by name; a copy to replay later."""
        return {
            name: cookie.value for (_, _, name), cookie in (self._client._cookies or {}).items()
        }

    def keep(self, name: str, value: str, url: str) -> None:
        """Keep a cookie for an address, as if it had been set there."""
        domain = urlsplit(url).hostname or ""
        self._client.set_cookie(name, value, domain=domain, secure=True)

    def steal(self, other: Visitor) -> None:
        """Have the cookies that *other* has now, and no others."""
        self._client._cookies = dict(other._client._cookies or {})

    def ask(
        self,
        method: str,
        url: str,
        data: Any = None,
        *,
        htmx: bool = False,
        content_type: str | None = None,
        headers: Any = None,
    ) -> Answer:
        """One request. A header that is None is left out."""
        given = {name.replace("_", "-"): value for name, value in (headers or {}).items()}
        if htmx:
            given |= {"HX-Request": "true", "Sec-Fetch-Mode": "cors"}
        sent = {n: v for n, v in (self._headers | given).items() if v is not None}
        # A Cookie header is sent as it is given; else the client sends what it keeps.
        client = self._app.test_client(use_cookies=False) if "Cookie" in sent else self._client
        response = client.open(
            url,
            method=method,
            data=data,
            content_type=content_type,
            headers=sent,
            environ_overrides={"REMOTE_ADDR": self._address},
        )
        answer = Answer(response, url, htmx=htmx)
        answer.lint(method)
        return answer


class Answer:
    """What came back, already looked at."""

    def __init__(self, response: TestResponse, url: str, *, htmx: bool) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self.data = response.get_data()
        self.url = url
        self.htmx = htmx

    @property
    def is_html(self) -> bool:
        return self.headers.get("Content-Type", "").startswith("text/html")

    @property
    def text(self) -> str:
        """What a reader sees, with blanks folded."""
        return " ".join(str(self.tree.text_content()).split())

    @cached_property
    def source(self) -> str:
        return self.data.decode()

    @property
    def is_whole(self) -> bool:
        """A page, and no part of one."""
        return self.source[:100].lstrip().lower().startswith("<!doctype")

    @cached_property
    def tree(self) -> Any:
        return html.fromstring(self.source if self.is_whole else f"<div>{self.source}</div>")

    @cached_property
    def elements(self) -> list[Any]:
        return [node for node in self.tree.iter() if isinstance(node.tag, str)]

    @property
    def location(self) -> str:
        parts = urlsplit(self.url)
        target = self.headers["Location"]
        return target if "://" in target else f"{parts.scheme}://{parts.netloc}{target}"

    @property
    def heading(self) -> str:
        return " ".join(str(self.tree.find(".//h1").text_content()).split())

    def forms(self) -> dict[str, dict[str, str]]:
        """Each form's fields as the page fills them in, by where it posts to."""
        return {
            form.get("action"): {
                field.get("name"): (field.text or "").strip()
                if field.tag == "textarea"
                else field.get("value", "")
                for field in form.iter("input", "textarea")
                if field.get("name")
            }
            for form in self.tree.iter("form")
        }

    def form(self, ending: str | None = None) -> tuple[str, dict[str, Any]]:
        """A form's address and what a browser would send of it untouched: the one whose address
        ends with *ending* (before any query), or the only one that is not for signing out."""
        found = [
            (action, _filled(form))
            for form in self.tree.iter("form")
            if (action := form.get("action", "")) is not None
            and _is_meant(urlsplit(action).path, ending)
        ]
        assert len(found) == 1, f"{len(found)} forms for {ending!r} on {self.url}"
        return found[0]

    def identity(self) -> tuple[int, bytes, list[tuple[str, str]]]:
        """All there is by which one answer might be told from another."""
        return self.status, self.data, sorted(self.headers.items())

    # --- the strict reader ------------------------------------------------------------------

    def lint(self, method: str) -> None:
        assert self.status < 500 or self.status == 503, self.source[:2000]
        self._lint_headers()
        if 300 <= self.status < 400 and "Location" in self.headers:
            self._lint_redirect()
        elif self.is_html and method != "HEAD" and self.data:
            # A page that has no part of its own comes whole, whoever asks.
            if self.htmx and not self.is_whole:
                self._lint_part()
            else:
                assert not (self.htmx and method == "POST"), "a form sent by htmx gets a part"
                self._lint_page()
            self._lint_markup()
            self._lint_secret()
        elif self.data and (secret := self.secret):
            assert secret.encode() not in self.data, "the secret address lies in a download"

    @property
    def secret(self) -> str | None:
        parts = urlsplit(self.url)
        found = _SECRET.search(unquote(f"{parts.path}?{parts.query}"))
        return found[1] if found and len(found[1]) >= 20 else None

    @property
    def _is_behind_sign_in(self) -> bool:
        """Whether the address is one where cookies and their CSRF tokens are at home."""
        path = urlsplit(self.url).path
        return bool(_SIGN_IN_PATH.match(path))

    def _lint_headers(self) -> None:
        headers = self.headers
        if "/static/" in self.url and self.status == 200:
            return
        policy = headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert "*" not in policy
        assert headers["Referrer-Policy"] == "strict-origin"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "noindex" in headers["X-Robots-Tag"]
        if not self._is_behind_sign_in:
            assert "Set-Cookie" not in headers, "only who signs in needs a cookie"
        if "/brand/" not in self.url:
            assert headers["Cache-Control"] == "no-store"
        if self.secret:
            for name, value in headers.items():
                if name not in {"Location", "HX-Redirect"}:
                    assert self.secret not in value, f"the secret address lies in {name}"

    def _lint_redirect(self) -> None:
        target, here = urlsplit(self.location), urlsplit(self.url)
        if here.path.endswith("/download") and "X-Amz-Signature=" in target.query:
            return  # a file that another store hands out
        assert (target.scheme, target.netloc) == (here.scheme, here.netloc)
        if self.secret and "token=" in here.query:
            assert self.secret not in self.location, "a spent secret is led away from"
        elif self.secret and "/files/" in target.path:
            assert self.secret not in self.location, "a file's address is no share"
        elif self.secret:
            assert self.secret in target.path

    def _lint_page(self) -> None:
        source, tree = self.source, self.tree
        assert source[:100].lstrip().lower().startswith("<!doctype html>")
        assert "HX-Request" in self.headers["Vary"]
        assert tree.get("lang"), "the page states its language"
        titles = tree.findall(".//title")
        assert len([one for one in titles if one.getparent().tag == "head"]) == 1
        assert (titles[0].text or "").strip()
        headings = tree.findall(".//h1")
        assert len(headings) == 1, f"{len(headings)} headings of the first level"
        assert headings[0].text_content().strip()
        assert len(tree.findall(".//main")) == 1
        robots = tree.find(".//meta[@name='robots']")
        assert robots is not None
        assert "noindex" in robots.get("content")

    def _lint_part(self) -> None:
        assert "<html" not in self.source.lower()
        assert "HX-Request" in self.headers["Vary"]
        assert not self.tree.findall(".//title")

    def _lint_markup(self) -> None:
        ids = [node.get("id") for node in self.elements if node.get("id")]
        assert len(ids) == len(set(ids)), "an id is there twice"
        for node in self.elements:
            inline = [name for name in node.attrib if name == "style" or name.startswith("on")]
            assert not inline, f"<{node.tag}> has {inline}"
            assert node.tag not in {"style", "iframe", "object", "embed"}, node.tag
            if node.tag == "script":
                assert node.get("src")
                assert not (node.text or "").strip()
            for name in ("src", "srcset"):
                if node.get(name):
                    assert urlsplit(node.get(name)).netloc == "", "nothing is loaded from elsewhere"
            if node.tag == "link":
                assert urlsplit(node.get("href")).netloc == ""
        self._lint_forms(set(ids))

    def _lint_forms(self, ids: set[str]) -> None:
        tree = self.tree
        labelled = {label.get("for") for label in tree.iter("label")}
        for field in tree.iter("input", "select", "textarea"):
            if field.get("type") in {"hidden", "submit"}:
                continue
            within = any(parent.tag == "label" for parent in field.iterancestors())
            named = field.get("id") in labelled or field.get("aria-label") or within
            assert named, f"the field {field.get('name')!r} has no label"
        for node in self.elements:
            for name in ("aria-describedby", "aria-labelledby"):
                for target in (node.get(name) or "").split():
                    assert target in ids, f"{name} points to {target!r}, which is not there"
        for form in tree.iter("form"):
            assert urlsplit(form.get("action", "")).netloc == ""
            if self._is_behind_sign_in and form.get("method", "").lower() == "post":
                tokens = form.findall(".//input[@name='csrf_token']")
                assert len(tokens) == 1, f"{form.get('action')} has {len(tokens)} CSRF tokens"
                assert tokens[0].get("value"), "the CSRF token is empty"
            if form.get("hx-post"):
                assert form.get("action") == form.get("hx-post"), "works without JavaScript too"
                assert form.get("method", "").lower() == "post"
        for button in tree.iter("button"):
            assert button.text_content().strip() or button.get("aria-label")

    def _lint_secret(self) -> None:
        """The raw token stands in the page's own links, and nowhere else; no other does at all."""
        own = self.secret
        for node in self.elements:
            texts = [node.text or "", node.tail or ""]
            texts += [v for n, v in node.attrib.items() if n not in _URL_ATTRIBUTES]
            if own:
                assert all(own not in text for text in texts), f"the secret lies in a <{node.tag}>"
            for name in _URL_ATTRIBUTES:
                for token in _TOKEN.findall(node.get(name) or ""):
                    assert token == own, "another link's secret stands on this page"


def _is_meant(path: str, ending: str | None) -> bool:
    return path.endswith(ending) if ending else not path.endswith("/logout")


def _filled(form: Any) -> dict[str, Any]:
    """What a browser sends of a form nobody touched, without the buttons."""
    fields: dict[str, Any] = {}
    for node in form.iter("input", "textarea", "select"):
        name, kind = node.get("name"), node.get("type", "text")
        if not name or node.get("disabled") is not None or kind in {"submit", "button", "file"}:
            continue
        if kind in {"checkbox", "radio"} and node.get("checked") is None:
            continue
        if node.tag == "select":
            fields[name] = node.value or ""
        elif node.tag == "textarea":
            fields[name] = (node.text or "").removeprefix("\n")
        else:
            fields[name] = node.get("value", "on" if kind in {"checkbox", "radio"} else "")
    return fields

"""Names of downloads (spec L5)."""

from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.files.names import ascii_name, content_disposition


def test_a_file_is_named_by_kind_and_number():
    assert ascii_name("quote-Q-2026-0142.pdf") == "quote-Q-2026-0142.pdf"
    assert (
        content_disposition("quote-Q-2026-0142.pdf")
        == 'attachment; filename="quote-Q-2026-0142.pdf"'
    )


def test_another_script_has_its_own_name_beside_the_safe_one():
    value = content_disposition("invoice-發票 7/é.pdf")
    assert 'filename="invoice-7-e.pdf"' in value
    assert "filename*=UTF-8''invoice-%E7%99%BC%E7%A5%A8-7-%C3%A9.pdf" in value


@pytest.mark.parametrize(
    "number",
    ["../../etc/passwd", "a\r\nSet-Cookie: x=1", '"; x="', "\u202efdp.exe", "😀", "", "." * 9,
     "x" * 500, "%00", "a;b", "nul\\con", "é" * 500],
)  # fmt: skip
def test_any_number_makes_a_safe_name(number):
    check_names(number)


@given(st.text(max_size=500))
def test_whatever_a_number_holds_the_name_is_safe(number):
    check_names(number)


def check_names(number: str) -> None:
    name = ascii_name(f"quote-{number}.pdf")
    assert name.isascii()
    assert name.endswith(".pdf")
    assert 5 <= len(name) <= 110
    assert not set(name) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
    assert ".." not in name
    assert name[0] not in ".-"
    header = content_disposition(f"quote-{number}.pdf")
    assert header.isascii()
    assert header.isprintable()
    parsed = Message()
    parsed["Content-Disposition"] = header
    true_name = parsed.get_filename() or ""
    assert true_name.endswith(".pdf")
    assert not set(true_name) & set('/\\"\r\n;:\u202e')
    assert len(header) < 1500

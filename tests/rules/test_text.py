"""Text that people type: how long it may be, characters as a person counts them (spec W1), numbers as
a person writes them (C4)."""

from __future__ import annotations

import re

import pytest

from portico.refusals import BadInput
from portico.text import graphemes, one_line, plain_number


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("", 0),
        ("Ås\n\nå", 5),
        ("e\u0301" * 3, 3),
        ("👨‍👩‍👧‍👦👩🏿‍❤️‍💋‍👩🏿🧑🏽‍🤝‍🧑🏻🙂‍↔️❤️‍🔥", 5),
        ("🇳🇴🇸🇪🇫", 3),
        ("🏴󠁧󠁢󠁥󠁮󠁧󠁿1️⃣", 2),
        ("नमस्ते क्षि", 5),
        ("ক্ষমা", 2),
        ("ក្រុម", 2),
        ("نامه\u200cای", 6),
        ("ประเทศไทย", 9),
        ("a\u200db\u200dc", 3),
        ("\u0301", 0),
    ],
)
def test_what_a_person_sees_as_one_counts_as_one(text, seen):
    assert graphemes(text) == seen


@pytest.mark.parametrize("length", [101, 200, 201, 10_000])
def test_what_is_too_long_for_a_line_is_told_the_length_there_is(length):
    with pytest.raises(BadInput) as refused:
        one_line("x" * length, "number", 100)
    assert refused.value.errors == {"number": "Please keep this to 100 characters."}
    assert one_line("x " * 50 + " " * length, "number", 100) == ("x " * 50).strip()


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("1250.50", "1250.50"),
        (" 10,5 ", "10.5"),
        ("1250,50", "1250.50"),
        ("1250,505", "1250.505"),
        ("0,125", "0.125"),
        ("-2,5", "-2.5"),
        ("1,250.50", "1250.50"),
        ("1.250,50", "1250.50"),
        ("1,250,000", "1250000"),
        ("1.250.000", "1250000"),
        ("-1,250,000.5", "-1250000.5"),
        ("1 250", "1250"),
        ("12\u00a0345\u202f678,9", "12345678.9"),
        ("1 250,505", "1250.505"),
        ("1.250", "1.250"),
    ],
)
def test_a_number_is_read_as_it_is_written_anywhere(text, plain):
    assert plain_number(text, "amount") == plain


@pytest.mark.parametrize("text", ["1,250", "-1,250", "999,999"])
def test_what_can_be_read_in_two_ways_is_asked_back(text):
    with pytest.raises(BadInput) as refused:
        plain_number(text, "amount")
    assert "Please write" in refused.value.errors["amount"]


@pytest.mark.parametrize(
    "text",
    [
        "1 25",
        "12 34,5",
        "1234 567",
        "1,25.50",
        "1.25,50",
        "1,250.5.0",
        "1,2,3",
        ",5",
        "5,",
        "1,250,00.5",
        "٣,٥",
    ],
)
def test_what_is_no_number_is_left_for_whoever_reads_it(text):
    assert not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", plain_number(text, "amount"))

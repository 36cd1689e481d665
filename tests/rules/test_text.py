"""Text that people type: how long it may be, and characters as a person counts them (spec W1)."""

from __future__ import annotations

import pytest

from portico.refusals import BadInput
from portico.text import graphemes, one_line


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

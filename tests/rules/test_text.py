"""Characters as a person counts them (spec W1)."""

from __future__ import annotations

import pytest

from portico.text import graphemes


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

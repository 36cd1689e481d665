"""Which passwords are among the first that would be tried (spec A5).

The lists of stolen passwords that attackers begin with hold, from twelve characters on, a few
shapes: a well-known word with digits around it, one thing repeated, rows of keys, counting, and
what everybody knows of the person. Those shapes are refused; nothing else is asked for.
"""

from __future__ import annotations

import re

_WORDS = (
    "password", "passwort", "passord", "motdepasse", "contrasena", "wachtwoord", "qwerty",
    "qwertz", "azerty", "welcome", "willkommen", "velkommen", "letmein", "iloveyou", "iloveu",
    "administrator", "admin", "administrateur", "changeme", "changeit", "default", "secret",
    "master", "superman", "batman", "pokemon", "starwars", "football", "baseball", "basketball",
    "princess", "sunshine", "monkey", "dragon", "shadow", "michael", "jessica", "charlie",
    "computer", "internet", "whatever", "trustno1", "trustno", "freedom", "liverpool", "arsenal",
    "chelsea", "barcelona", "manchester", "summer", "winter", "spring", "autumn", "january",
    "february", "december", "november", "october", "september", "monday", "friday", "hello",
    "helloworld", "correcthorsebatterystaple", "temporary", "temp", "test", "testing", "guest",
    "user", "login", "account", "portal", "customer", "kunde", "company", "mypassword", "mypass",
    "thisismypassword", "opensesame", "abcdef", "abcdefg", "abcdefgh", "passphrase", "passw0rd",
    "pass", "google", "facebook", "linkedin", "microsoft", "windows", "samsung", "iphone",
)  # fmt: skip
_LEET = str.maketrans("01345@$!7+", "oleasasitt")
_ROWS = (
    "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop", "1234567890",
    "0987654321", "abcdefghijklmnopqrstuvwxyz", "zyxwvutsrqponmlkjihgfedcba", "1q2w3e4r5t6y7u8i9o0p",
    "qazwsxedcrfvtgbyhnujmikolp", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p", "qweasdzxc",
)  # fmt: skip
_WORTHLESS = re.compile(r"[\W\d_]+")


def is_common(password: str, about: tuple[str, ...] = ()) -> bool:
    """Whether *password* would be guessed early; *about* holds what others know of the person."""
    text = password.casefold()
    if len(set(text)) < 5 or _repeats(text):
        return True
    known = {*_WORDS, *(part for fact in about for part in _parts(fact))}
    return any(_adds_little(form, known) for form in (text, text.translate(_LEET)))


def _repeats(text: str) -> bool:
    """One short thing said again and again: ``hallohallohallo``."""
    return any(
        text == (text[:size] * (len(text) // size + 1))[: len(text)]
        for size in range(1, len(text) // 2 + 1)
    )


def _adds_little(text: str, known: set[str]) -> bool:
    """Whether, without well-known words, rows of keys and digits, next to nothing is left."""
    rest = text
    for word in sorted(known, key=len, reverse=True):
        rest = rest.replace(word, " ")
    for row in _ROWS:
        rest = _without_runs(rest, row)
    return len(_WORTHLESS.sub("", rest)) < 4


def _without_runs(text: str, row: str) -> str:
    """*text* without pieces of *row* of four or more keys."""
    for size in range(min(len(row), len(text)), 3, -1):
        for start in range(len(row) - size + 1):
            text = text.replace(row[start : start + size], " ")
    return text


def _parts(fact: str) -> list[str]:
    return [part for part in re.split(r"[\W_]+", fact.casefold()) if len(part) >= 4]

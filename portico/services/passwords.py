"""Passwords: what is taken, how it is kept, how it is checked (spec A5).

bcrypt reads 72 bytes and no more, so it is given base64(SHA-256(password)): nothing is cut.
"""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from functools import lru_cache

import bcrypt
from zxcvbn import zxcvbn

from portico.config import settings
from portico.refusals import BadInput

SHORTEST = 12
LONGEST = 1000
_LOOKED_AT = 72  # zxcvbn takes long over longer ones, which need no such look
_FEWEST_GUESSES = 10**9


def check(password: str, *, about: tuple[str, ...] = (), field: str = "password") -> str:
    """The password as it is kept, or BadInput naming *field*: length and being guessed are all
    that counts. *about* holds names and addresses that others know of this person."""
    password = _normal(password)
    if len(password) < SHORTEST:
        raise BadInput(
            {field: f"Please take at least {SHORTEST} characters. A short sentence is good."}
        )
    if len(password) > LONGEST:
        raise BadInput({field: f"Please take no more than {LONGEST} characters."})
    try:
        password.encode()
    except UnicodeEncodeError:
        raise BadInput({field: "This contains characters that cannot be kept."}) from None
    if _is_guessed_early(password, about):
        raise BadInput(
            {field: "This is one of the first that would be tried. Please take another."}
        )
    return password


def hashed(password: str) -> str:
    """The form at rest: bcrypt, with the configured cost. Slow on purpose; never in a unit of work."""
    salt = bcrypt.gensalt(settings().password_cost)
    return bcrypt.hashpw(_digest(password), salt).decode("ascii")


def holds(password: str, kept: str | None) -> bool:
    """Whether *password* is the one behind *kept*. None costs the same time and never holds."""
    nobodys = _nobodys(settings().password_cost)  # made by whoever comes first, known or not
    raw = _digest(password[: 4 * LONGEST])  # as typed it may be longer than as kept
    return bcrypt.checkpw(raw, (kept or nobodys).encode("ascii")) and kept is not None


def is_of_another_cost(kept: str | None) -> bool:
    """Whether a hash was made before PORTICO_PASSWORD_COST was set to what it is now."""
    return kept is not None and kept.split("$")[2] != f"{settings().password_cost:02}"


def _is_guessed_early(password: str, about: tuple[str, ...]) -> bool:
    """Whether common words, patterns and what others know of the person lead there soon."""
    known = [part for fact in about for part in re.split(r"[\W_]+", fact) if len(part) > 2]
    found = zxcvbn(password[:_LOOKED_AT], user_inputs=[*about, *known])
    return bool(found["guesses"] < _FEWEST_GUESSES)


@lru_cache(maxsize=4)
def _nobodys(cost: int) -> str:
    """A hash of nothing anybody can type, so that unknown addresses take as long as known ones."""
    return bcrypt.hashpw(bcrypt.gensalt(4), bcrypt.gensalt(cost)).decode("ascii")


def _normal(password: str) -> str:
    return unicodedata.normalize("NFC", password)


def _digest(password: str) -> bytes:
    raw = _normal(password).encode("utf-8", "surrogatepass")
    return base64.b64encode(hashlib.sha256(raw).digest())

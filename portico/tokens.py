"""Tokens and seals: derived from the installation's keys, never stored (spec L2).

``token = base64url(HMAC-SHA256(key, purpose | tenant | row | nonce))``. A row keeps the nonce
and SHA-256(token): the database alone opens nothing, and a mail that must be sent again
carries the same link. Old keys still open and re-derive what they made.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets

from portico.config import settings

_FORM = re.compile(r"[A-Za-z0-9_-]{43}\Z", re.ASCII)


class KeyIsGone(RuntimeError):
    """No configured key derives this token any more."""


def new_nonce() -> bytes:
    """256 random bits."""
    return secrets.token_bytes(32)


def mint(purpose: str, tenant: str, row: int, nonce: bytes) -> str:
    """A new token, 43 URL-safe characters, from the newest key."""
    return _derive(settings().newest_key, purpose, tenant, row, nonce)


def again(purpose: str, tenant: str, row: int, nonce: bytes, sha256: bytes) -> str:
    """The token of a row once more. Raises KeyIsGone if its key was retired."""
    for key in settings().secret_keys:
        token = _derive(key, purpose, tenant, row, nonce)
        if hmac.compare_digest(hashlib.sha256(token.encode()).digest(), sha256):
            return token
    raise KeyIsGone(f"{purpose} {row}")


def digest(token: str) -> bytes | None:
    """SHA-256 of a token, or None for anything that cannot be one."""
    return hashlib.sha256(token.encode()).digest() if _FORM.match(token) else None


def seal(purpose: str, payload: bytes) -> bytes:
    """An HMAC of *payload* that only this installation can make."""
    return _seal(settings().newest_key, purpose, payload)


def seal_holds(purpose: str, payload: bytes, mark: bytes) -> bool:
    """Whether *mark* is this installation's seal on *payload*, under any configured key."""
    return any(
        hmac.compare_digest(_seal(key, purpose, payload), mark) for key in settings().secret_keys
    )


def _derive(key: str, purpose: str, tenant: str, row: int, nonce: bytes) -> str:
    message = f"{purpose}|{tenant}|{row}|".encode() + nonce
    mac = hmac.digest(_subkey(key, "link"), message, "sha256")
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def _seal(key: str, purpose: str, payload: bytes) -> bytes:
    return hmac.digest(_subkey(key, "seal"), purpose.encode() + b"|" + payload, "sha256")


def _subkey(key: str, use: str) -> bytes:
    return hmac.digest(key.encode(), b"portico " + use.encode(), "sha256")

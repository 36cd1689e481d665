"""Every setting: typed, frozen, read once from the environment, loud when wrong.

Nothing else in the house reads the environment. A setting that is missing or malformed
raises :class:`BadSetting` at start, with the variable's name and what it should look like.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from flask import current_app


class BadSetting(Exception):
    """A setting is missing or cannot be understood; the message names the variable."""


@dataclass(frozen=True, slots=True)
class Smtp:
    host: str
    port: int
    username: str | None
    password: str | None
    security: str  # "starttls", "tls" or "none"
    timeout: float  # seconds


@dataclass(frozen=True, slots=True)
class Config:
    """All settings of one installation. Sizes in bytes, times in seconds."""

    instance: Path
    secret_keys: tuple[str, ...]  # the first signs and derives, the others still open old links
    control_url: str
    base_domain: str | None  # sub-domains of it name tenants
    default_tenant: str | None  # the one tenant of a single-tenant installation
    proxy_hops: int
    limits_url: str
    queue_url: str
    mail_from: str
    smtp: Smtp | None  # None: mail is caught in instance/mail (demonstration only)
    mail_lease: int  # a claim older than this is taken to be a crashed worker's
    password_cost: int  # bcrypt rounds, as a power of two; below 10 for tests alone
    demo: bool
    access_log: bool
    max_body: int
    max_upload: int  # one file
    files_url: str  # a folder, or s3://bucket/prefix?endpoint=...&region=...
    s3_access_key: str | None
    s3_secret_key: str | None
    max_import: int

    @property
    def newest_key(self) -> str:
        """The key that signs. Raises BadSetting before set-up."""
        if not self.secret_keys:
            raise BadSetting(
                f"No secret key. Run 'flask setup' once: it writes {self.instance / 'secret_keys'}. "
                "Or set PORTICO_SECRET_KEYS (newest first, separated by commas)."
            )
        return self.secret_keys[0]

    @property
    def mail_folder(self) -> Path:
        return self.instance / "mail"

    @property
    def spool_folder(self) -> Path:
        return self.instance / "spool"

    @property
    def tenants_folder(self) -> Path:
        return self.instance / "tenants"


def load(env: Mapping[str, str] | None = None) -> Config:
    """Read the settings. Raises :class:`BadSetting` where one is missing or wrong."""
    env = os.environ if env is None else env
    root = Path(__file__).resolve().parent.parent
    instance = Path(env.get("PORTICO_INSTANCE") or root / "instance").resolve()
    demo = _flag(env, "PORTICO_DEMO")
    return Config(
        instance=instance,
        secret_keys=_secret_keys(env, instance),
        control_url=env.get("PORTICO_CONTROL_URL") or f"sqlite:///{instance / 'control.db'}",
        base_domain=(env.get("PORTICO_BASE_DOMAIN") or "").strip(".").lower() or None,
        default_tenant=env.get("PORTICO_DEFAULT_TENANT") or None,
        proxy_hops=_whole(env, "PORTICO_PROXY_HOPS", 0, low=0, high=10),
        limits_url=env.get("PORTICO_LIMITS_URL") or f"sqlite-limits:///{instance / 'limits.db'}",
        queue_url=env.get("PORTICO_QUEUE_URL") or f"sqlite:///{instance / 'queue.db'}",
        mail_from=env.get("PORTICO_MAIL_FROM") or "portal@localhost.localdomain",
        smtp=_smtp(env, demo),
        mail_lease=_whole(env, "PORTICO_MAIL_LEASE", 300, low=30, high=86_400),
        password_cost=_whole(env, "PORTICO_PASSWORD_COST", 12, low=4, high=16),
        demo=demo,
        access_log=_flag(env, "PORTICO_ACCESS_LOG"),
        max_body=_whole(env, "PORTICO_MAX_BODY", 1024 * 1024, low=16 * 1024, high=2**31),
        max_upload=_whole(env, "PORTICO_MAX_UPLOAD", 25 * 1024 * 1024, low=1024, high=2**31),
        files_url=env.get("PORTICO_FILES_URL") or str(instance / "files"),
        s3_access_key=env.get("PORTICO_S3_ACCESS_KEY") or None,
        s3_secret_key=env.get("PORTICO_S3_SECRET_KEY") or None,
        max_import=_whole(env, "PORTICO_MAX_IMPORT", 20 * 1024 * 1024, low=1024, high=2**31),
    )


def _flag(env: Mapping[str, str], name: str) -> bool:
    value = env.get(name, "").strip().lower()
    if value in {"", "0", "no", "false", "off"}:
        return False
    if value in {"1", "yes", "true", "on"}:
        return True
    raise BadSetting(f"{name} must be 1 or 0, not {value!r}.")


def _whole(env: Mapping[str, str], name: str, default: int, *, low: int, high: int) -> int:
    text = env.get(name, "").strip()
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise BadSetting(f"{name} must be a whole number from {low} to {high}, not {text!r}.")
    return int(text)


def _secret_keys(env: Mapping[str, str], instance: Path) -> tuple[str, ...]:
    """Keys come from PORTICO_SECRET_KEYS, else from instance/secret_keys, newest first.

    They are made by ``flask setup`` (or by the demonstration). There is no default, because a
    default key would let anybody derive the links: until there is one, nothing is served.
    """
    text = env.get("PORTICO_SECRET_KEYS", "")
    file = instance / "secret_keys"
    if not text and file.exists():
        text = file.read_text(encoding="ascii")
    keys = tuple(key for key in text.replace(",", "\n").split() if key)
    for key in keys:
        if len(key) < 32:
            raise BadSetting("Each key in PORTICO_SECRET_KEYS needs at least 32 characters.")
    return keys


def _smtp(env: Mapping[str, str], demo: bool) -> Smtp | None:
    url = env.get("PORTICO_SMTP_URL", "")
    if not url:
        if demo:
            return None
        url = "smtp://127.0.0.1:25"
    parts = urlsplit(url)
    security = {"smtp": "none", "smtp+starttls": "starttls", "smtps": "tls"}.get(parts.scheme)
    if security is None or not parts.hostname:
        raise BadSetting(
            "PORTICO_SMTP_URL must look like smtp://host:25, smtp+starttls://user:password@host:587 "
            "or smtps://user:password@host:465."
        )
    default_port = {"none": 25, "starttls": 587, "tls": 465}[security]
    return Smtp(
        host=parts.hostname,
        port=parts.port or default_port,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        security=security,
        timeout=float(_whole(env, "PORTICO_SMTP_TIMEOUT", 20, low=1, high=600)),
    )


def settings() -> Config:
    """The settings of the running application."""
    config: Config = current_app.extensions["portico.config"]
    return config


def environment(**changes: str) -> dict[str, str]:
    """The process's environment with some variables set, for children and the demonstration."""
    return {**os.environ, **changes}


def demo_port() -> int:
    """The demonstration's port, from PORT."""
    return _whole(os.environ, "PORT", 8000, low=1, high=65_535)

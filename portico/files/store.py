"""Where the bytes of files lie: a folder of this machine, or a bucket that speaks S3 (spec W2).

A file is known by a random key. Whoever may have it gets a signed address that works for
:data:`LIFE` seconds and always downloads, under a safe name.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from itsdangerous import BadData, TimestampSigner, URLSafeTimedSerializer

from portico import clock
from portico.config import BadSetting, Config, settings
from portico.db import current_tenant
from portico.files.names import content_disposition
from portico.refusals import Busy

log = logging.getLogger(__name__)

LIFE = 120  # seconds
_KEY = re.compile(r"[0-9a-f]{64}\Z")
_DRAFT = ".new"  # of bytes that are still coming
_SALT = "a file for download"


class NoSuchFile(LookupError):
    """The store has no bytes under this key."""


class Reader(StrEnum):
    """Whom an address was signed for: what is asked again when it is opened."""

    CUSTOMER = "customer"  # by the session of their account
    SHARE = "share"  # by a project's share link
    STAFF = "staff"  # by a session of the console


class Store(Protocol):
    """What a store can do. Keys are 64 hexadecimal digits."""

    def put(self, key: str, source: IO[bytes]) -> None:
        """Keep all of *source*; it is whole on the disk when this returns."""

    def url(self, key: str, name: str, reader: Reader, who: int) -> str:
        """A signed address for :data:`LIFE` seconds; *who* is the id that goes with *reader*."""

    def remove(self, key: str) -> None:
        """Forget the bytes. What is not there is forgotten already."""

    def keys(self, before: dt.datetime) -> Iterator[str]:
        """The tenant's keys that came before a moment, broken off ones too."""


@dataclass(frozen=True, slots=True)
class LocalStore:
    """A folder for each tenant, spread over 256 smaller ones."""

    folder: Path

    def put(self, key: str, source: IO[bytes]) -> None:
        path = self.path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(_DRAFT)
        try:
            with draft.open("wb") as file:
                shutil.copyfileobj(source, file)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
            _sync(path.parent)
        finally:
            draft.unlink(missing_ok=True)

    def url(self, key: str, name: str, reader: Reader, who: int) -> str:
        """Below the tenant's own address; :func:`opened` reads it again. The name is asked then."""
        signed = _signer().dumps([current_tenant().slug, key, reader.value, who])
        text = signed if isinstance(signed, str) else signed.decode("ascii")
        return f"{current_tenant().public_url}/files/{text}"

    def remove(self, key: str) -> None:
        for path in (self.path(key), self.path(key).with_suffix(_DRAFT)):
            path.unlink(missing_ok=True)

    def keys(self, before: dt.datetime) -> Iterator[str]:
        for path in (self.folder / current_tenant().slug).glob("*/*"):
            try:
                came = path.stat().st_mtime
            except FileNotFoundError:
                continue  # an upload that has just been finished, under its own name
            if _KEY.match(path.stem) and came < before.timestamp():
                yield path.stem

    def path(self, key: str) -> Path:
        """Where a key's bytes lie. Raises NoSuchFile for what is no key."""
        if not _KEY.match(key):
            raise NoSuchFile(key)
        return self.folder / current_tenant().slug / key[:2] / key


def _sync(folder: Path) -> None:
    """Write a folder's names down for good: a power cut leaves the bytes, and may forget the name."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def opened(signed: str) -> tuple[str, Reader, int] | None:
    """Key, reader and the reader's id behind a signed address of :class:`LocalStore`; None where
    it is none, of another tenant, or too old."""
    try:
        tenant, key, reader, who = _signer().loads(signed, max_age=LIFE)
        return (key, Reader(reader), int(who)) if tenant == current_tenant().slug else None
    except (BadData, ValueError, TypeError):
        return None


@dataclass(frozen=True, slots=True)
class S3Store:
    """A bucket. The tenant's name stands before each key."""

    client: Any
    bucket: str
    prefix: str

    def put(self, key: str, source: IO[bytes]) -> None:
        with _busy_where_the_store_is():
            self.client.put_object(Bucket=self.bucket, Key=self._name(key), Body=source)

    def url(self, key: str, name: str, reader: Reader, who: int) -> str:
        """Signed by the store, which sends the headers that make it a download. It cannot ask
        again, whoever the reader is."""
        address: str = self.client.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": self.bucket,
                "Key": self._name(key),
                "ResponseContentDisposition": content_disposition(name),
                "ResponseContentType": "application/octet-stream",
            },
            ExpiresIn=LIFE,
        )
        return address

    def remove(self, key: str) -> None:
        with _busy_where_the_store_is():
            self.client.delete_object(Bucket=self.bucket, Key=self._name(key))

    def keys(self, before: dt.datetime) -> Iterator[str]:
        root = "/".join(filter(None, (self.prefix, current_tenant().slug))) + "/"
        with _busy_where_the_store_is():
            pages = self.client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.bucket, Prefix=root):
                for one in page.get("Contents", ()):
                    key = one["Key"].removeprefix(root)
                    if _KEY.match(key) and one["LastModified"] < before:
                        yield key

    def _name(self, key: str) -> str:
        if not _KEY.match(key):
            raise NoSuchFile(key)
        return "/".join(filter(None, (self.prefix, current_tenant().slug, key)))


@contextmanager
def _busy_where_the_store_is() -> Iterator[None]:
    """A bucket that cannot be reached is a sentence, not an accident."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (Boto3Error, BotoCoreError, ClientError) as problem:
        log.error("the file store answered: %s", problem)
        raise Busy from None


def make_store(config: Config) -> Store:
    """The store that the settings name: ``s3://bucket/prefix?endpoint=...&region=...``, else a
    folder. Raises BadSetting."""
    if not config.files_url.startswith("s3://"):
        return LocalStore(Path(config.files_url).resolve())
    import boto3
    from botocore.config import Config as ClientConfig

    parts = urlsplit(config.files_url)
    if not parts.netloc:
        raise BadSetting("PORTICO_FILES_URL must look like s3://bucket/prefix?region=eu-north-1.")
    options = dict(parse_qsl(parts.query))
    endpoint = options.get("endpoint")
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=options.get("region", "us-east-1"),
        aws_access_key_id=config.s3_access_key,
        aws_secret_access_key=config.s3_secret_key,
        config=ClientConfig(
            signature_version="s3v4",
            connect_timeout=5,
            read_timeout=30,
            retries={"total_max_attempts": 2},
            # What others than Amazon understand.
            s3={"addressing_style": "path" if endpoint else "auto"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
    return S3Store(client, parts.netloc, parts.path.strip("/"))


class _Signer(TimestampSigner):
    """Tells the time by Portico's clock."""

    def get_timestamp(self) -> int:
        return int(clock.now().timestamp())


def _signer() -> URLSafeTimedSerializer:
    """Old keys still open what they signed, and the newest signs."""
    keys = list(reversed(settings().secret_keys))
    return URLSafeTimedSerializer(keys, salt=_SALT, signer=_Signer)

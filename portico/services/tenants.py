"""Tenants: made, entered, migrated."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask import Flask, current_app
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from portico import clock
from portico.config import settings
from portico.db import (
    CONTROL,
    BoundTenant,
    bind_tenant,
    control_unit,
    db,
    engines,
    make_engine,
    sqlite_file,
)
from portico.queries.tenants import Directory, database_url
from portico.records.tenant import Tenant, TenantHost
from portico.refusals import Conflict, StaffRefusal, Unknown

_MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")
_HOST = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z"
)


def directory() -> Directory:
    """The running application's directory of tenants."""
    found: Directory = current_app.extensions["portico.directory"]
    return found


@contextmanager
def tenant_scope(app: Flask, slug: str) -> Iterator[BoundTenant]:
    """An app context of its own, bound to one tenant. Raises Unknown."""
    with app.app_context():
        tenant = directory().by_slug(slug)
        if tenant is None:
            directory().forget()
            tenant = directory().by_slug(slug)
        if tenant is None:
            raise Unknown(f"There is no tenant called {slug!r}.")
        bind_tenant(tenant)
        yield tenant


def create(
    slug: str,
    name: str,
    public_url: str,
    *,
    hosts: tuple[str, ...] = (),
    url: str | None = None,
) -> None:
    """A new tenant with its own database, ready to use.

    *public_url* is what links in mail begin with (spec T5); *url* is the SQLAlchemy URL of an
    empty PostgreSQL database, or None for a SQLite file. Raises StaffRefusal, Conflict.
    """
    if not _SLUG.match(slug):
        raise StaffRefusal("A tenant's short name has small letters, digits and hyphens only.")
    if not 1 <= len(name) <= 200:
        raise StaffRefusal("A tenant's name has 1 to 200 characters.")
    public_url = check_public_url(public_url)
    names = tuple(_host(host) for host in hosts)
    try:
        migrate_control()
        with control_unit() as connection:
            tenant_id = connection.execute(
                sa.insert(Tenant)
                .values(
                    slug=slug, name=name, database_url=url, public_url=public_url,
                    is_active=True, created_at=clock.now(),
                )
                .returning(Tenant.id)
            ).scalar_one()  # fmt: skip
            for host in names:
                connection.execute(sa.insert(TenantHost).values(host=host, tenant_id=tenant_id))
            _prepare(database_url(slug, url))
    except IntegrityError:
        raise Conflict("Another tenant has this short name, or one of these host names.") from None
    directory().forget()


def check_public_url(text: str) -> str:
    """The URL without its last slash. Raises StaffRefusal."""
    parts = urlsplit(text.rstrip("/"))
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise StaffRefusal("The public URL looks like https://portal.example.com")
    return text.rstrip("/")


def _host(text: str) -> str:
    host = text.strip().lower().rstrip(".")
    if not _HOST.match(host) or len(host) > 253:
        raise StaffRefusal(f"{text!r} is not a host name.")
    return host


# --- migrations -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Migrated:
    name: str
    changed: bool
    problem: str | None = None


def migrate_control() -> bool:
    """Bring the control database up to date; returns whether there was anything to do."""
    url = settings().control_url
    file = sqlite_file(url)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
    return _upgrade(db.engines[CONTROL], "control")


def migrate_all() -> list[Migrated]:
    """Control database, then every tenant. One that fails is named and the others go on, so
    the command can simply be run again (spec O4)."""
    done = [Migrated("control database", migrate_control())]
    directory().forget()
    for tenant in directory().all():
        try:
            file = sqlite_file(tenant.database_url)
            if file is not None and not file.exists():
                # An empty one in its place would only hide that.
                raise FileNotFoundError(f"its database {file} is missing")
            changed = _prepare(tenant.database_url)
        except (SQLAlchemyError, OSError) as problem:
            done.append(Migrated(tenant.slug, False, str(problem).splitlines()[0]))
        else:
            done.append(Migrated(tenant.slug, changed))
    return done


def _prepare(url: str) -> bool:
    file = sqlite_file(url)
    if file is not None and not file.exists():
        _copy_template(file)
        return True
    return _upgrade(engines().get(url), "tenant")


def _copy_template(target: Path) -> None:
    """A new SQLite tenant is a copy of a migrated, empty file: much quicker than migrating."""
    from alembic.script import ScriptDirectory  # which no server needs

    target.parent.mkdir(parents=True, exist_ok=True)
    head = ScriptDirectory(str(_MIGRATIONS / "tenant")).get_current_head()
    template = settings().tenants_folder / f".template-{head}.sqlite"
    if not template.exists():
        fresh = Path(tempfile.mkdtemp(dir=target.parent, prefix=".new-")) / "template.sqlite"
        engine = make_engine(f"sqlite:///{fresh}")
        _upgrade(engine, "tenant")
        engine.dispose()  # the last close folds the write-ahead log into the file
        os.replace(fresh, template)
        fresh.parent.rmdir()
    copy = target.with_suffix(".new")
    shutil.copyfile(template, copy)
    os.replace(copy, target)


def _upgrade(engine: sa.Engine, environment: str) -> bool:
    from alembic import command  # which no server needs
    from alembic.config import Config as AlembicConfig
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(str(_MIGRATIONS / environment))
    with engine.connect() as connection:
        heads = MigrationContext.configure(connection).get_current_heads()
        if set(heads) == set(script.get_heads()):
            return False
    config = AlembicConfig()
    config.set_main_option("script_location", str(_MIGRATIONS / environment).replace("%", "%%"))
    with engine.connect().execution_options(portico_writes=True) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return True

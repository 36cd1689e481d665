"""Which tenant a host name, sub-domain or path prefix belongs to (spec T1)."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

import sqlalchemy as sa

from portico import clock
from portico.config import settings
from portico.db import CONTROL, BoundTenant, db
from portico.records.tenant import Tenant, TenantHost

# A tenant that was added, moved or switched off is seen by every process after this long.
_FRESH_SECONDS = 2.0


class Directory:
    """All active tenants by slug and by host, read again from the control database when stale."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._read_at = -1e9
        self._by_slug: dict[str, BoundTenant] = {}
        self._by_host: dict[str, BoundTenant] = {}

    def forget(self) -> None:
        """Read again at the next question."""
        self._read_at = -1e9

    def by_slug(self, slug: str) -> BoundTenant | None:
        self._refresh()
        return self._by_slug.get(slug)

    def by_host(self, host: str) -> BoundTenant | None:
        """Exact host name first, then sub-domain of the base domain."""
        self._refresh()
        exact = self._by_host.get(host)
        if exact is not None:
            return exact
        base = settings().base_domain
        if base and host.endswith("." + base):
            return self._by_slug.get(host.removesuffix("." + base))
        return None

    def default(self) -> BoundTenant | None:
        """The tenant of a single-tenant installation; none where several could be meant."""
        self._refresh()
        named = settings().default_tenant
        if named:
            return self._by_slug.get(named)
        return next(iter(self._by_slug.values())) if len(self._by_slug) == 1 else None

    def all(self) -> list[BoundTenant]:
        self._refresh()
        return list(self._by_slug.values())

    def _refresh(self) -> None:
        if clock.ticks() - self._read_at < _FRESH_SECONDS:
            return
        with self._lock:
            if clock.ticks() - self._read_at < _FRESH_SECONDS:
                return
            with db.engines[CONTROL].connect() as connection:
                tenants = connection.execute(
                    sa.select(Tenant.__table__).where(Tenant.is_active).order_by(Tenant.id)
                ).all()
                hosts = connection.execute(sa.select(TenantHost.host, TenantHost.tenant_id)).all()
            by_id = {row.id: _bound(row) for row in tenants}
            self._by_slug = {tenant.slug: tenant for tenant in by_id.values()}
            self._by_host = {
                row.host: by_id[row.tenant_id] for row in hosts if row.tenant_id in by_id
            }
            self._read_at = clock.ticks()


def database_url(slug: str, stored: str | None) -> str:
    """The stored URL, or the tenant's own SQLite file."""
    return stored or f"sqlite:///{tenant_file(slug)}"


def tenant_file(slug: str) -> Path:
    return settings().tenants_folder / f"{slug}.db"


def _bound(row: sa.Row[tuple[object, ...]]) -> BoundTenant:
    return BoundTenant(
        id=row.id,
        slug=row.slug,
        name=row.name,
        database_url=database_url(row.slug, row.database_url),
        public_url=row.public_url,
    )

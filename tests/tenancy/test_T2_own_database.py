"""T2: every statement goes to the bound tenant's database, or raises."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from portico.db import NoTenant, TenantMismatch, bind_tenant, db, unit_of_work
from portico.records.customer import Customer
from portico.refusals import Unknown
from portico.services import tenants
from portico.services.tenants import tenant_scope
from tests.cast import BEA, CHIYO, MARIT, OLAF

STATEMENTS = {
    "ORM": lambda: db.session.execute(sa.select(Customer)),
    "get": lambda: db.session.get(Customer, 1),
    "Core": lambda: db.session.execute(sa.select(Customer.__table__)),
    "text": lambda: db.session.execute(sa.text("SELECT 1")),
    "insert": lambda: db.session.execute(sa.insert(Customer).values(name="x")),
    "update": lambda: db.session.execute(sa.update(Customer).values(name="x")),
    "delete": lambda: db.session.execute(sa.delete(Customer)),
    "count": lambda: db.session.execute(sa.select(sa.func.count(Customer.id))),
    "scalar": lambda: db.session.scalar(sa.select(1)),
    "unit": lambda: unit_of_work().__enter__(),
}


@pytest.mark.parametrize("kind", STATEMENTS)
def test_without_a_tenant_nothing_is_read_or_written(stage, kind):
    with stage.app.app_context(), pytest.raises(NoTenant):
        STATEMENTS[kind]()


@pytest.mark.parametrize("kind", STATEMENTS)
def test_a_request_without_a_tenant_reads_nothing_either(stage, kind):
    with stage.app.test_request_context("/"), pytest.raises(NoTenant):
        STATEMENTS[kind]()


def test_a_flush_without_a_tenant_raises(stage):
    with stage.app.app_context():
        db.session.add(Customer(name="Mallory & Co", organization_id=1))
        with pytest.raises(NoTenant):
            db.session.flush()


def test_the_tenant_of_a_context_is_written_once(stage):
    with tenant_scope(stage.app, "acme"):
        own, other = map(tenants.directory().by_slug, ("acme", "bolt"))
        assert own is not None
        assert other is not None
        with pytest.raises(TenantMismatch):
            bind_tenant(other)
        bind_tenant(own)


def test_a_session_stays_with_the_tenant_it_was_first_used_for(stage):
    with tenant_scope(stage.app, "acme"):
        session = db.session()
        names = set(session.execute(sa.select(Customer.name)).scalars())
        assert BEA.customer not in names
        with tenant_scope(stage.app, "bolt"), pytest.raises(TenantMismatch):
            session.execute(sa.select(Customer.name))


def test_each_tenant_reads_its_own_customers_alone(both):
    expected = {
        "acme": {MARIT.customer, OLAF.customer, CHIYO.customer},
        "bolt": {BEA.customer},
    }
    for company in (both.acme, both.bolt):
        assert {one.name for one in company.rows(Customer)} == expected[company.slug]


def test_scopes_within_scopes_do_not_mix(stage):
    with tenant_scope(stage.app, "acme"):
        acme = db.session.get_one(Customer, 1)
        with tenant_scope(stage.app, "bolt"):
            bolt = db.session.get_one(Customer, 1)
            assert bolt.name == BEA.customer
        assert db.session.get_one(Customer, 1) is acme
        assert acme.name == MARIT.customer


def test_a_tenant_that_does_not_exist_cannot_be_entered(stage):
    with pytest.raises(Unknown), tenant_scope(stage.app, "mallory"):
        pass


def test_a_unit_of_work_that_fails_leaves_nothing(both, clock):
    before = both.acme.dump()
    with both.acme.scope(), pytest.raises(ZeroDivisionError):
        _half_done(clock.moment)
    assert both.acme.dump() == before


def _half_done(now):
    with unit_of_work():
        db.session.add(Customer(name="Half", organization_id=1, created_at=now))
        db.session.flush()
        _ = 1 / 0

"""T2: 16 threads read 20 tenants as fast as they can, and never once the wrong one."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa

from portico.db import db, unit_of_work
from portico.records.organization import Organization
from portico.services import team, tenants
from portico.services.team import OrganizationFace
from portico.services.tenants import tenant_scope
from tests.cast import BEA, MARIT
from tests.client import Visitor

THREADS = 16
TENANTS = 20


def _fill(stage):
    slugs = [f"tenant{number}" for number in range(TENANTS)]
    for slug in slugs:
        with stage.app.app_context():
            tenants.create(slug, slug, f"https://portal.example/t/{slug}")
        with tenant_scope(stage.app, slug):
            team.create_organization(
                "one", OrganizationFace(name=f"Name of {slug}", email="a@b.example")
            )
    return slugs


def test_no_thread_ever_reads_another_tenants_data(stage):
    slugs = _fill(stage)

    def read(seed):
        chance = random.Random(seed)
        wrong = 0
        for _ in range(300):
            slug = chance.choice(slugs)
            with tenant_scope(stage.app, slug):
                name = db.session.execute(sa.select(Organization.name)).scalar_one()
                if chance.random() < 0.1:
                    with unit_of_work():
                        db.session.get_one(Organization, 1).phone = slug
                phone = db.session.execute(sa.text("SELECT phone FROM organizations")).scalar_one()
            wrong += name != f"Name of {slug}" or phone not in {"", slug}
        return wrong

    with ThreadPoolExecutor(THREADS) as pool:
        assert sum(pool.map(read, range(THREADS))) == 0


def test_no_request_is_ever_answered_by_another_tenant(stage):
    links = {
        slug: company.copy(company.document(person, number=f"of {slug}"))
        for slug, company, person in (
            ("acme", stage.acme, MARIT),
            ("bolt", stage.bolt, BEA),
        )
    }

    def read(seed):
        chance = random.Random(seed)
        visitor = Visitor(stage.app, f"203.0.113.{seed}")
        wrong = 0
        for _ in range(20):
            slug = chance.choice(list(links))
            other = "bolt" if slug == "acme" else "acme"
            source = visitor.get(links[slug]).source
            wrong += f"of {slug}" not in source or f"of {other}" in source
        return wrong

    with ThreadPoolExecutor(THREADS) as pool:
        assert sum(pool.map(read, range(THREADS))) == 0

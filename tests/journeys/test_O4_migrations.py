"""O4: migrations of the control database and all tenants, by one command that can be run again."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

import models
from portico import config
from portico.db import CONTROL, db, make_engine
from portico.queries import console_activity, console_customers
from portico.services import tenants
from tests.cast import BEA, KEY, MARIT, ROOT

METADATA = {"control": db.metadatas[CONTROL], "tenant": db.metadata}


@pytest.fixture
def url(backend, request, tmp_path):
    if backend == "postgres":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{tmp_path / 'empty.db'}"


@contextmanager
def _connected(url):
    engine = make_engine(url)
    with engine.connect().execution_options(portico_writes=True) as connection:
        yield connection
    engine.dispose()


def _migrate(url, which, direction, target):
    settings = Config()
    settings.set_main_option("script_location", str(ROOT / "migrations" / which))
    with _connected(url) as connection, connection.begin():
        settings.attributes["connection"] = connection
        getattr(command, direction)(settings, target)


def _said(index):
    options = {name: str(value) for name, value in index.get("dialect_options", {}).items()}
    return repr((index["name"], index["column_names"], index["unique"], options))


def _schema(url):
    """Tables, columns, indexes and constraints, as the database states them."""
    with _connected(url) as connection:
        inspector = sa.inspect(connection)
        return {
            table: (
                [(one["name"], str(one["type"]), one["nullable"]) for one in inspector.get_columns(table)],
                sorted(map(_said, inspector.get_indexes(table))),
                sorted(map(repr, inspector.get_unique_constraints(table))),
                sorted(map(repr, inspector.get_foreign_keys(table))),
                inspector.get_pk_constraint(table)["constrained_columns"],
            )
            for table in sorted(inspector.get_table_names())
            if table != "alembic_version"
        }  # fmt: skip


@pytest.mark.parametrize("which", ["control", "tenant"])
def test_models_and_migrations_are_equal(url, which):
    assert models.__doc__  # every table is known
    _migrate(url, which, "upgrade", "head")
    with _connected(url) as connection:
        options = {"compare_type": True, "include_name": _is_of_the_models}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, METADATA[which]) == []


def _is_of_the_models(name, _kind, _parents):
    """What searches read stands beside the models, differently in each database."""
    return not (name or "").startswith("search_")


@pytest.mark.parametrize("which", ["control", "tenant"])
def test_up_down_and_up_again_is_where_it_was(url, which):
    _migrate(url, which, "upgrade", "head")
    first = _schema(url)
    assert len(first) >= 2
    _migrate(url, which, "downgrade", "base")
    assert _schema(url) == {}
    _migrate(url, which, "upgrade", "head")
    assert _schema(url) == first


@pytest.mark.parametrize("which", ["control", "tenant"])
def test_history_has_one_head_and_no_gap(which):
    script = ScriptDirectory(str(ROOT / "migrations" / which))
    revisions = [one.revision for one in script.walk_revisions()]
    assert len(script.get_heads()) == 1
    assert revisions == sorted(revisions, reverse=True)


def test_one_step_back_and_forth_keeps_what_was_in_it(both):
    quote, link = both.acme.quote()
    both.visitor().post(f"{link}/accept", {"name": "Marit", "revision": "1"})
    before = both.acme.dump()
    url = both.acme.database_url
    script = ScriptDirectory(str(ROOT / "migrations" / "tenant"))
    both.close()
    if len(list(script.walk_revisions())) > 1:
        _migrate(url, "tenant", "downgrade", "-1")
        _migrate(url, "tenant", "upgrade", "head")
    both.app = both.start()
    after = both.acme.dump()
    assert set(after) == set(before)
    for table in ("decisions", "customer_portal_links", "mails", "documents"):
        assert after[table] == before[table]
    assert both.visitor().get(link).status == 200
    assert both.acme.read(quote).state == "accepted"
    organization = both.acme.customer(MARIT).organization_id
    with both.acme.scope():  # what was there before the migration is found, too
        assert [one.name for one in console_customers.page(organization, term="jordhu").rows]
        assert console_activity.page(console_activity.Filter(organization, term="arit Sol")).rows


def _behind(stage, company):
    """Take a tenant back to before the newest migration."""
    url = company.database_url
    _migrate(url, "tenant", "downgrade", "-1")
    return _schema(url)


def test_one_command_brings_everything_up_to_date(both):
    schema = _schema(both.acme.database_url)
    both.close()
    both.app = both.start()
    for company in (both.acme, both.bolt):
        assert _behind(both, company) != schema
    told = both.command("migrate", tenant=None)
    assert told.exit_code == 0
    assert "acme: migrated" in told.output
    assert "bolt: migrated" in told.output
    assert _schema(both.acme.database_url) == _schema(both.bolt.database_url) == schema
    again = both.command("migrate", tenant=None)
    assert again.output.count("up to date") == 3


def test_a_tenant_that_fails_is_named_and_the_others_go_on(stage):
    schema = _schema(stage.acme.database_url)
    _behind(stage, stage.bolt)
    whole = stage.acme.database_url
    broken = stage.folder / "no database.db"
    broken.write_bytes(b"this is no database" * 100)
    stage.move(stage.acme, f"sqlite:///{broken}")
    told = stage.command("migrate", tenant=None)
    assert told.exit_code == 1
    assert "acme: " in told.output
    assert "not a database" in told.output
    assert "bolt: migrated" in told.output
    assert _schema(stage.bolt.database_url) == schema
    stage.move(stage.acme, whole)
    mended = stage.command("migrate", tenant=None)
    assert mended.exit_code == 0
    assert "bolt: up to date" in mended.output


def test_a_tenants_new_database_is_the_same_as_a_migrated_one(both, tmp_path):
    url = f"sqlite:///{tmp_path / 'by-hand.db'}"
    _migrate(url, "tenant", "upgrade", "head")
    with both.app.app_context():
        tenants.create("fresh", "Fresh", "https://portal.example/t/fresh")
        fresh = both.database_of("fresh")
    assert _schema(fresh) == _schema(url)


def test_setup_makes_keys_and_a_control_database_once(raise_curtain, tmp_path):
    stage = raise_curtain()
    folder = tmp_path / "bare"
    bare = stage.process(
        "setup", PORTICO_INSTANCE=str(folder), PORTICO_SECRET_KEYS="", log=tmp_path / "setup.log"
    )
    assert bare.wait(60) == 0
    keys = (folder / "secret_keys").read_text()
    assert len(keys.strip()) >= 32
    assert (folder / "secret_keys").stat().st_mode & 0o077 == 0
    again = stage.process(
        "setup", PORTICO_INSTANCE=str(folder), PORTICO_SECRET_KEYS="", log=tmp_path / "setup.log"
    )
    assert again.wait(60) == 0
    assert (folder / "secret_keys").read_text() == keys
    assert keys.strip() not in (tmp_path / "setup.log").read_text()
    settings = config.load({"PORTICO_INSTANCE": str(folder)})
    assert settings.newest_key == keys.strip()
    assert settings.newest_key != KEY
    assert Path(folder / "control.db").exists()


def test_tenants_that_were_moved_apart_stay_apart(both):
    for company, person in ((both.acme, MARIT), (both.bolt, BEA)):
        company.document(person, number=f"of {company.slug}")
    told = both.command("migrate", tenant=None)
    assert told.exit_code == 0
    assert "of bolt" not in repr(both.acme.dump())

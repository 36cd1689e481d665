"""The public page beside a bare view: 10,000 different links, access log and limits on.

Both answer on the same server in the same run, in turns, so that a slow minute of the machine
hits both. The promise is a ratio: at least 0.35 of the bare view's requests a second.
"""

from __future__ import annotations

import datetime as dt
import os
import secrets
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import sqlalchemy as sa

from app import create_app
from portico import clock, config, tokens
from portico.db import db, unit_of_work
from portico.records.content import DocumentContent
from portico.records.document import Document
from portico.records.link import PortalLink, Purpose
from portico.services import demo_papers, documents, team, tenants
from portico.services.documents import Draft
from portico.services.team import OrganizationFace

# Not a setting of the house: how long to measure is said on the command line of whoever measures.
LINKS = int(os.environ.get("BENCH_LINKS", "10000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "6"))
CONNECTIONS = 8
WORKERS = 2
THREADS = 2
_ROOT = Path(__file__).resolve().parents[1]


def run() -> None:
    with tempfile.TemporaryDirectory(prefix="portico-bench-") as folder:
        instance = Path(folder)
        environment = _environment(instance)
        print(f"making {LINKS} quotes with a link each ...", flush=True)
        _fill(config.load(environment))
        port = _free_port()
        server = subprocess.Popen(
            [
                sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1",
                "--port", str(port), "--workers", str(WORKERS), "--blocking-threads", str(THREADS),
                "--no-access-log", "--log-level", "warning", "benchmarks.server:application",
            ],
            env=environment, cwd=_ROOT,
        )  # fmt: skip
        try:
            _wait(port)
            _measure(port, instance / "links.txt")
            _report_log(config.load(environment))
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)


def _measure(port: int, links: Path) -> None:
    for what in ("bare", "portico"):
        _load(port, links, what, 2)
    ratios = []
    for number in range(1, ROUNDS + 1):
        bare, portico = _load(port, links, "bare", SECONDS), _load(port, links, "portico", SECONDS)
        ratios.append(portico / bare)
        print(f"round {number}: bare {bare:7.0f}/s  portico {portico:7.0f}/s  {ratios[-1]:.3f}")
    print(f"public page beside the bare view: {statistics.median(ratios):.3f} (median)")


def _load(port: int, links: Path, what: str, seconds: float) -> float:
    command = [sys.executable, "-m", "benchmarks.load", str(port), str(seconds), str(CONNECTIONS)]
    output = subprocess.run(
        [*command, str(links), what], cwd=_ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    if int(output[1]):
        raise SystemExit(f"{output[1]} answers of {what} were not 200")
    return float(output[0])


def _report_log(settings: config.Config) -> None:
    """Every view has to be in the log, or the figure is worth nothing."""
    from portico.records.activity import AccessLog
    from portico.services import activity_chain

    deadline = time.monotonic() + 30
    app = create_app(settings)
    with tenants.tenant_scope(app, "bench"):
        while True:
            rows = db.session.execute(sa.select(sa.func.count()).select_from(AccessLog)).scalar()
            db.session.rollback()
            if not list(settings.spool_folder.glob("*.jsonl")) or time.monotonic() > deadline:
                break
            time.sleep(0.2)
        verdict = activity_chain.verify()
    print(f"access log: {rows} rows, chain {verdict.problem or 'whole'}")


def _environment(instance: Path) -> dict[str, str]:
    return config.environment(
        PORTICO_INSTANCE=str(instance),
        PORTICO_SECRET_KEYS=secrets.token_urlsafe(48),
        PORTICO_PROXY_HOPS="1",
        PORTICO_SMTP_URL="smtp://127.0.0.1:9",
    )


def _fill(settings: config.Config) -> None:
    """One quote with three lines, under 10,000 numbers and links."""
    app = create_app(settings)
    with app.app_context():
        tenants.create("bench", "Bench", "http://127.0.0.1")
    paper = next(one for one in demo_papers.PAPERS if one.number == "Q-2026-0142")
    form = paper.as_json(clock.today("UTC"))
    form.pop("customer")
    paths = []
    with tenants.tenant_scope(app, "bench"), unit_of_work():
        organization = team.create_organization(
            "bench", OrganizationFace(name="Halden Joinery", email="post@halden.example")
        )
        customer = team.create_customer("bench", "Fjordhus AS")
        contact = team.add_contact("bench", "Fjordhus AS", "Marit Dahl", "marit@fjordhus.example")
        for number in range(LINKS):
            content = DocumentContent.model_validate({**form, "number": f"Q-{number:05}"})
            document = documents.add(
                Draft(content, content.number), organization, customer, by="bench"
            )
            document.state, document.sent_revision = "sent", 1
            paths.append(_link(document, contact.id))
            if number % 500 == 499:
                db.session.flush()
                db.session.expunge_all()
                organization = team.find_organization("bench")
                customer = team.find_customer("bench", "Fjordhus AS")
    (settings.instance / "links.txt").write_text("\n".join(paths))


def _link(document: Document, contact_id: int) -> str:
    nonce = tokens.new_nonce()
    link = PortalLink(
        purpose=Purpose.DOCUMENT.value,
        organization_id=document.organization_id,
        customer_id=document.customer_id,
        document_id=document.id,
        contact_id=contact_id,
        nonce=nonce,
        token_sha256=nonce,
        life_hours=24,
        created_at=clock.now(),
        created_by="bench",
        expires_at=clock.now() + dt.timedelta(days=1),
    )
    db.session.add(link)
    db.session.flush()
    token = tokens.mint(link.purpose, "bench", link.id, nonce)
    link.token_sha256 = tokens.digest(token) or b""
    return f"/i/{token}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")

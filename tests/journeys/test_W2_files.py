"""W2: shared documents, listed over every project and the library, and fetched for two minutes."""

from __future__ import annotations

import datetime as dt
import http.client
import io
from urllib.parse import parse_qs, urlsplit

import pytest

from portico.files.store import LIFE, LocalStore
from portico.records.activity import Activity
from portico.records.file import StoredFile
from portico.records.notification import Notification, Topic
from portico.services import customers, files, projects, team
from portico.services.files import Place
from portico.services.projects import ProjectFace
from portico.web.errors import masked_path
from tests.cast import BEA, CHIYO, MARIT, OLAF, PASSWORD

PDF = b"%PDF-1.4 the kitchen, measured"


def add(company, name="Kitchen plan.pdf", *, person=MARIT, project=None, shared=True, data=PDF):
    """A file for the person's customer; its id."""
    customer = company.customer(person)
    place = Place(customer.organization_id, customer.id, project)
    with company.scope():
        return files.take_in(io.BytesIO(data), name, place, by="Kari", shared=shared).id


def project_of(company, person=MARIT, **face):
    customer = company.customer(person)
    with company.scope():
        facts = ProjectFace(name="Boathouse", **face)
        return projects.create(customer.organization_id, customer.id, facts, by="Kari").id


@pytest.fixture
def shown(stage):
    """Every organization shows its customers documents and projects."""
    for person in (MARIT, CHIYO, BEA):
        stage.company_of(person).set_organization(
            person.organization, sections=["documents", "projects"]
        )
    return stage


def _download(company, file_id):
    return f"{company.portal}/documents/{file_id}/download"


def _bytes_kept(stage):
    return [path for path in (stage.folder / "files").rglob("*") if path.is_file()]


def test_nobody_else_gets_a_file(shown):
    acme = shown.acme
    project = project_of(acme, is_shared_with_client=False)
    own, unshared, hidden = add(acme), add(acme, shared=False), add(acme, project=project)
    removed = add(acme, "Old plan.pdf")
    with acme.scope():
        files.remove(removed, by="Kari")
    guest = shown.visitor().get(_download(acme, own))
    assert guest.location.startswith(f"{acme.portal}/login")
    for person in (OLAF, CHIYO, BEA):
        other = shown.company_of(person)
        visitor = other.account(person)
        assert visitor.get(_download(other, own)).status == 404
        assert "Kitchen" not in visitor.get(f"{other.portal}/documents").text
    marit = acme.account(MARIT)
    for number in (unshared, hidden, removed, 2**64, 999_999):
        assert marit.get(_download(acme, number)).status == 404
    before = len(acme.log())
    assert marit.get(_download(acme, own)).status == 303
    line = acme.log()[before]
    assert (line.type, line.details["file"]) == (Activity.DOWNLOAD_FILE, own)
    for sections, status in (([], 404), (["projects"], 404), (["documents"], 303)):
        acme.set_organization("halden", sections=sections)
        assert marit.get(_download(acme, own)).status == status
        assert marit.get(f"{acme.portal}/documents").status == (200 if status == 303 else 404)


def test_a_file_comes_as_a_download_and_nothing_else(shown):
    acme, bolt = shown.acme, shown.bolt
    polyglot = b"%PDF-1.4\n<html><script>alert(1)</script></html>"
    file_id = add(acme, "Küche (v2).pdf", data=polyglot)
    address = acme.account(MARIT).get(_download(acme, file_id)).location
    answer = shown.visitor().get(address)  # needs no session: the address is signed
    assert (answer.status, answer.data) == (200, polyglot)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == (
        "attachment; filename=\"Kuche-v2.pdf\"; filename*=UTF-8''K%C3%BCche-%28v2%29.pdf"
    )
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    path = urlsplit(address).path
    with shown.app.test_request_context(path):
        assert masked_path() == "/files/…"
    # A tenant below a path hands out its own; one tenant's address opens nothing at another.
    other = bolt.account(BEA).get(_download(bolt, add(bolt, person=BEA))).location
    assert urlsplit(other).path.startswith("/t/bolt/files/")
    assert shown.visitor().get(other).data == PDF
    assert shown.visitor().get(f"{bolt.public_url}{path}").status == 404


def test_a_signed_address_runs_out_and_is_asked_again_at_every_click(shown, clock):
    acme = shown.acme
    marit, visitor = acme.account(MARIT), shown.visitor()
    project = project_of(acme)
    file_id = add(acme, project=project)
    address = marit.get(_download(acme, file_id)).location
    for place in (len(address) - back for back in (1, 20, 40)):
        # These two differ in bits that count also where the last two of a character do not.
        other = "Q" if address[place] != "Q" else "g"
        changed = address[:place] + other + address[place + 1 :]
        assert visitor.get(changed).status == 404
    for guess in ("x", "a.b.c", "%00", "A" * 5000, "é"):
        assert visitor.get(f"{acme.public_url}/files/{guess}").status == 404
    clock.advance(seconds=LIFE)
    assert visitor.get(address).status == 200
    clock.advance(seconds=1)
    assert visitor.get(address).status == 404

    def switch(on):
        with acme.scope():
            files.share(file_id, on, by="Kari")

    def show(on):
        with acme.scope():
            projects.change(project, ProjectFace(is_shared_with_client=on), by="Kari")

    def open_(on):
        with acme.scope():
            customers.switch(acme.customer(MARIT).id, on=on, by="Kari")

    address = marit.get(_download(acme, file_id)).location
    for change in (switch, show):
        change(False)
        assert visitor.get(address).status == 404
        change(True)
        assert visitor.get(address).status == 200
    # It ends with the session that it was given to, and does not come back with another.
    open_(False)
    assert visitor.get(address).status == 404
    open_(True)
    marit.sign_in(acme.public_url, MARIT.email, PASSWORD, org="halden")
    assert visitor.get(address).status == 404
    address = marit.get(_download(acme, file_id)).location
    lost = marit.get(_download(acme, add(acme))).location
    assert visitor.get(address).data == PDF
    with acme.scope():
        files.remove(file_id, by="Kari")
    assert visitor.get(address).status == 404
    # What the disk lost is not there either, and nobody is shown an accident.
    (left,) = _bytes_kept(shown)
    assert visitor.get(lost).data == PDF
    left.unlink()
    assert visitor.get(lost).status == 404


def test_the_page_lists_what_is_shared_and_no_more(shown):
    acme = shown.acme
    marit = acme.account(MARIT)
    page = f"{acme.portal}/documents"
    assert "Nothing here yet" in marit.get(page).text
    project, hidden = project_of(acme), project_of(acme, is_shared_with_client=False)
    add(acme, "Unshared.pdf", shared=False)
    add(acme, "Hidden.pdf", project=hidden)
    add(acme, "Olaf.pdf", person=OLAF)
    add(acme, "Plan of the boathouse.pdf", project=project)
    for number in range(27):
        add(acme, f"Photo {number}.txt", data=b"oak")
    first = marit.get(page)
    names = [link.text for link in first.tree.findall(".//td/a")]
    assert names == [f"Photo {number}.txt" for number in range(26, 1, -1)]
    older = marit.get(acme.public_url + first.tree.find(".//a[@rel='next']").get("href"), htmx=True)
    assert [link.text for link in older.tree.findall(".//td/a")] == [
        "Photo 1.txt", "Photo 0.txt", "Plan of the boathouse.pdf",
    ]  # fmt: skip
    assert "Boathouse" in older.text
    newer = marit.get(acme.public_url + older.tree.find(".//a[@rel='prev']").get("href"))
    assert [link.text for link in newer.tree.findall(".//td/a")] == names
    assert "Plan of the boathouse.pdf" in marit.get(f"{page}?q=PLAN").text
    assert "No document has" in marit.get(f"{page}?q=Hidden").text
    for odd in ("before=x", "before=" + "9" * 30, "after=0", "q=" + "%25" * 50, "q=%00"):
        assert marit.get(f"{page}?{odd}").status == 200
    assert "Shared documents 28" in marit.get(f"{acme.portal}/dashboard").text


def test_whoever_has_an_account_is_told_once(shown):
    acme = shown.acme
    marit = acme.account(MARIT)
    file_id = add(acme, shared=False)
    assert [one.topic for one in acme.rows(Notification)] == []
    for on in (True, False):
        with acme.scope():
            files.share(file_id, on, by="Kari")
    shown.deliver()
    assert "Kitchen plan.pdf" not in marit.get(f"{acme.portal}/notifications").text
    with acme.scope():
        files.share(file_id, True, by="Kari")
        files.share(file_id, True, by="Kari")
    shown.deliver()
    assert [one.topic for one in acme.rows(Notification)] == [Topic.FILE_SHARED]
    assert "Kitchen plan.pdf" in marit.get(f"{acme.portal}/notifications").text
    told = [one for one in shown.letters_to(MARIT) if "Kitchen plan" in one.message["Subject"]]
    assert len(told) == 1
    shared = [one for one in acme.log() if one.type == Activity.SHARE_FILE]
    assert [one.details["shared"] for one in shared] == [True, False, True]


# --- a store that speaks S3 -----------------------------------------------------------------------


def test_a_file_in_a_bucket_is_handed_out_by_the_store(raise_curtain, s3_store):
    stage = raise_curtain(**s3_store)
    acme = stage.acme
    acme.set_organization("halden", sections=["documents"])
    file_id = add(acme, "Küche.pdf")
    assert stage.visitor().get(_download(acme, file_id)).location.startswith(acme.portal)
    assert acme.account(OLAF).get(_download(acme, file_id)).status == 404
    marit = acme.account(MARIT)
    address = marit.get(_download(acme, file_id)).location
    parts = urlsplit(address)
    assert int(parse_qs(parts.query)["X-Amz-Expires"][0]) == LIFE <= 300
    status, headers, data = _fetch(address)
    assert (status, data) == (200, PDF)
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"].startswith('attachment; filename="Kuche.pdf"')
    assert not isinstance(stage.app.extensions["portico.files"], LocalStore)
    with acme.scope():
        files.receive(io.BytesIO(PDF), "Left behind.pdf")
        assert files.tidy(dt.timedelta(hours=1)) == 0
        assert files.tidy(dt.timedelta(hours=-1)) == 1
    assert _fetch(address)[2] == PDF
    with acme.scope():
        files.remove(file_id, by="Kari")
    assert marit.get(_download(acme, file_id)).status == 404
    assert _fetch(address)[0] in {403, 404}  # to whom may not list, stores say 403


def _fetch(address):
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    connection.request("GET", f"{parts.path}?{parts.query}")
    answer = connection.getresponse()
    found = answer.status, answer.headers, answer.read()
    connection.close()
    return found


def test_removing_stands_where_the_bucket_cannot_be_reached(raise_curtain, clock):
    stage = raise_curtain(PORTICO_FILES_URL="s3://b?endpoint=http://127.0.0.1:9")
    acme = stage.acme
    with acme.scope():
        customer = team.find_customer("halden", MARIT.customer)
    acme.execute(
        "INSERT INTO files (organization_id, customer_id, storage_key, name, media_type, size, "
        "sha256, is_shared_with_client, from_staff, author, created_at) VALUES "
        f"({customer.organization_id}, {customer.id}, '{'a' * 64}', 'a.pdf', 'application/pdf', 1,"
        f" '{'0' * 64}', true, true, 'Kari', '2026-11-12 09:00:00')"
    )
    (file,) = acme.rows(StoredFile)
    with acme.scope():
        files.remove(file.id, by="Kari")
    assert acme.rows(StoredFile)[0].removed_at is not None

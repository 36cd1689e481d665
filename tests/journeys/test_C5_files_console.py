"""C5, W2: files in the console: sent up, shared, fetched, removed; and what is not taken."""

from __future__ import annotations

import http.client
import io
import os
import resource
import socket
from urllib.parse import urlsplit

import pytest

from portico.files.store import LIFE
from portico.records.activity import Activity, ActorKind
from portico.records.file import StoredFile
from portico.records.staff import Role
from portico.services import files
from tests.cast import CHIYO, MARIT
from tests.client import FIREFOX
from tests.crowd import running
from tests.journeys.test_W2_files import PDF, add, project_of
from tests.servers import HOST

MULTIPART = "multipart/form-data"


@pytest.fixture
def kari(acme):
    return acme.staff(Role.MANAGER)


def _folder(company):
    return f"{company.console}/customers/{company.customer(MARIT).id}/files"


def _send(visitor, url, *uploads, htmx=False, **fields):
    """The form as a browser sends it; each upload is bytes and a name."""
    filled = {"csrf_token": _token(visitor, url)}
    chosen = [(io.BytesIO(data), name) for data, name in uploads]
    return visitor.post(url, filled | fields | {"file": chosen}, htmx=htmx, content_type=MULTIPART)


def _token(visitor, url):
    page = visitor.get(f"{url.partition('/staff')[0]}/staff/logout")
    return page.form("/logout")[1]["csrf_token"]


def _kept(stage):
    return [path for path in (stage.folder / "files").rglob("*") if path.is_file()]


def test_those_who_must_not(stage, acme, kari):
    """A guest, a customer, a viewer who may only read, the neighbours in house and tenant."""
    file_id, url = add(acme, shared=False), _folder(acme)
    deeds = (url, f"{acme.console}/files/{file_id}/share", f"{acme.console}/files/{file_id}/remove")
    download = f"{acme.console}/files/{file_id}/download"
    viewer, customer = acme.staff(Role.VIEWER), acme.account(CHIYO)
    neighbour = acme.staff(Role.OWNER, "brightwater")
    before = acme.dump()["files"]
    token = _token(viewer, url)
    assert viewer.get(download).status == 303
    assert "Upload" not in viewer.get(url).text
    for deed in deeds:
        assert viewer.post(deed, {"csrf_token": token, "on": "yes"}).status == 403
    own = _token(neighbour, f"{acme.console}/customers")
    for deed in (*deeds, f"{acme.console}/projects/1/files"):
        assert neighbour.post(deed, {"csrf_token": own, "on": "yes"}).status == 404
    for page in (url, download):
        assert neighbour.get(page).status == 404
        for guest in (stage.visitor(), customer):
            assert guest.get(page).location.startswith(f"{acme.console}/login")
    assert (
        stage.bolt.staff().get(download.replace(acme.public_url, stage.bolt.public_url)).status
        == 404
    )
    assert acme.dump()["files"] == before


@pytest.mark.parametrize("htmx", [False, True])
def test_files_are_sent_up_shared_fetched_and_removed(stage, acme, kari, htmx):
    acme.set_organization("halden", sections=["documents"])
    marit, url, project = acme.account(MARIT), _folder(acme), project_of(acme)
    in_project = f"{acme.console}/projects/{project}/files"
    done = _send(kari, url, (PDF, "Kitchen plan.pdf"), (b"oak", "Notes.txt"), htmx=htmx)
    page = done if htmx else kari.get(done.location)
    assert "The files are there." in page.text
    _send(kari, url, (PDF, "Kitchen plan.pdf"), (b"oak", "Notes.txt"), htmx=htmx)  # a second click
    assert len(acme.rows(StoredFile)) == len(_kept(stage)) == 2
    _send(kari, in_project, (PDF, "Kitchen plan.pdf"), htmx=htmx, shared="yes")
    plan, _notes, second = acme.rows(StoredFile)
    assert (plan.name, second.name) == ("Kitchen plan.pdf",) * 2  # names need not differ
    assert (plan.is_shared_with_client, second.is_shared_with_client) == (False, True)
    assert second.project_id == project
    listed = f"{acme.portal}/documents"
    assert marit.get(listed).text.count("Kitchen plan.pdf") == 1

    def press(at, deed, number, **fields):
        return kari.fill_in(at, fields, form=f"/files/{number}/{deed}", htmx=htmx)

    assert press(url, "share", plan.id).status == (200 if htmx else 303)
    assert marit.get(listed).text.count("Kitchen plan.pdf") == 2
    hidden = press(in_project, "share", second.id)
    assert (hidden.text if htmx else hidden.location).startswith(
        "The customer sees" if htmx else in_project
    )
    assert marit.get(listed).text.count("Kitchen plan.pdf") == 1
    address = kari.get(f"{acme.console}/files/{second.id}/download").location
    assert stage.visitor().get(address).data == PDF  # the team fetches what is not shared, too
    line = acme.log()[-1]
    assert (line.type, line.actor_kind, line.actor) == (
        Activity.DOWNLOAD_FILE, ActorKind.STAFF, "Manager Nilsen",
    )  # fmt: skip
    press(url, "remove", second.id)
    assert stage.visitor().get(address).status == 404
    assert len(_kept(stage)) == 2
    for deed in ("share", "remove"):
        token = _token(kari, url)
        gone = kari.post(
            f"{acme.console}/files/{second.id}/{deed}", {"csrf_token": token, "on": "yes"}
        )
        assert gone.status == 404
    assert "Notes.txt" in kari.get(f"{url}?q=notes").text
    assert "No file has" in kari.get(f"{url}?q=chisel").text
    assert [one.type for one in acme.log()].count(Activity.UPLOAD_FILE) == 3
    assert LIFE <= 300


def test_names_are_made_safe(stage, acme, kari):
    sent = [
        "../../etc/passwd", "C:\\x\\y", "a\u202egnp.txt", "x" * 10_000 + ".txt", "..", "same", "same",
    ]  # fmt: skip
    uploads = [(b"oak %d" % number, name) for number, name in enumerate(sent)]
    assert _send(kari, _folder(acme), *uploads).status == 303
    shown = [one.name for one in acme.rows(StoredFile)]
    assert shown == ["passwd", "C:xy", "a gnp.txt", "x" * 150 + ".txt", "file", "same", "same"]
    keys = {path.name for path in _kept(stage)}
    assert keys == {one.storage_key for one in acme.rows(StoredFile)}
    assert _raw(kari, _folder(acme), b'x\x00y.txt"\r\nX-Odd: "z').status in {303, 422}


def test_what_is_not_taken_changes_nothing(stage, acme, kari):
    url = _folder(acme)
    before = acme.dump()
    for data, name, says in (
        (b"<svg onload=x>", "plan.svg", "Programs and web pages"),
        (b"<html>", "plan.pdf", "Programs and web pages"),
        (b"%PDF-1.4", "plan.png", "something else inside"),
        (b"", "empty.pdf", "is empty"),
    ):
        for htmx in (False, True):
            answer = _send(kari, url, (data, name), htmx=htmx)
            assert (answer.status, says in answer.text) == (422, True), name
        both = _send(kari, url, (PDF, "fine.pdf"), (data, name))
        assert (both.status, f"{name}: " in both.text) == (422, True), "all of them, or none"
    none = _send(kari, url, (b"", ""))
    assert (none.status, "Please choose a file." in none.text) == (422, True)
    many = _send(kari, url, *((b"oak", f"{n}.txt") for n in range(files.MOST_AT_ONCE + 1)))
    assert (many.status, "at most 20 files" in many.text) == (422, True)
    crowd = _send(kari, url, *((b"oak", f"{n}.txt") for n in range(1000)))
    assert (crowd.status, "nothing was changed" in crowd.text) == (413, True)
    assert acme.dump() == before
    assert _kept(stage) == []


def test_the_limit_holds_to_the_byte(raise_curtain, clock, monkeypatch):
    stage = raise_curtain(PORTICO_MAX_UPLOAD="4096")
    acme = stage.acme
    kari, url = acme.staff(Role.MANAGER), _folder(acme)
    assert _send(kari, url, (b"x" * 4096, "fits.bin")).status == 303
    before, kept = acme.dump(), _kept(stage)
    over = _send(kari, url, (b"x" * 4097, "over.bin"))
    assert (over.status, "larger than 4 KB" in over.text) == (422, True)
    far = _send(kari, url, (b"x" * 2_000_000, "far.bin"))
    assert (far.status, "larger than we can take" in far.text) == (413, True)
    # Only forms for files may be so large, and only from those who may send them.
    token = _token(kari, url)
    viewer = acme.staff(Role.VIEWER)
    refused = viewer.post(
        url, {"file": (io.BytesIO(b"x" * 1_040_000), "a")}, content_type=MULTIPART
    )
    assert refused.status in {403, 413}
    # Bodies that are no form at all, or end too soon.
    body = _body(token, b"a.txt", b"oak")
    for sent, kind, status in (
        (body[:-40], f"{MULTIPART}; boundary=b", 422),
        (body[:-9], f"{MULTIPART}; boundary=b", 422),
        (body, f"{MULTIPART}; boundary=other", 422),
        (body, MULTIPART, 422),
        (body, "application/json", 415),
    ):
        answer = kari.ask("POST", url, io.BytesIO(sent), content_type=kind)
        assert (answer.status, "nothing was changed" in answer.text) == (status, True), kind
    # What was put away before the transaction failed is taken away again.
    monkeypatch.setattr(files, "MOST_PER_CUSTOMER", 1)
    full = _send(kari, url, (b"oak", "one.txt"), (b"oak", "two.txt"))
    assert (full.status, "too many files" in full.text) == (422, True)
    after = acme.dump()
    assert {name: after[name] for name in ("files", "notifications")} == {
        name: before[name] for name in ("files", "notifications")
    }
    assert _kept(stage) == kept


def test_a_full_disk_is_a_503_and_leaves_nothing(live):
    acme = live.acme
    kari, url = acme.staff(Role.MANAGER), _folder(acme)
    token = _token(kari, url)
    cookie = "; ".join(f"{name}={value}" for name, value in kari.cookies().items())
    before = acme.dump()["files"]
    with running(live) as (port,):
        processes = live.processes_at(port)
        for process in processes:
            resource.prlimit(process, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
        status, text = _over_the_wire(port, url, _body(token, b"a.txt", b"oak" * 400), cookie)
        assert (status, "nothing was changed" in text) == (503, True)
        assert (acme.dump()["files"], _kept(live)) == (before, [])
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        for process in processes:
            resource.prlimit(process, resource.RLIMIT_FSIZE, unlimited)
        # One that breaks off on its way leaves nothing; the next one is taken as ever.
        body = _body(token, b"a.txt", b"oak")
        broken = _over_the_wire(port, url, body[:-9], cookie, promised=len(body))
        assert broken[0] in {0, 400, 422}
        assert _kept(live) == []
        assert _over_the_wire(port, url, body, cookie)[0] == 303
    assert len(_kept(live)) == 1


def test_a_bucket_that_cannot_be_reached_is_a_503(raise_curtain, clock):
    stage = raise_curtain(PORTICO_FILES_URL="s3://b?endpoint=http://127.0.0.1:9")
    kari, url = stage.acme.staff(Role.MANAGER), _folder(stage.acme)
    before = stage.acme.dump()
    answer = _send(kari, url, (PDF, "plan.pdf"))
    assert (answer.status, "nothing was changed" in answer.text) == (503, True)
    assert stage.acme.dump() == before


def _raw(visitor, url, name):
    token = _token(visitor, url)
    body = _body(token, name, b"oak")
    kind = f"{MULTIPART}; boundary=b"
    return visitor.ask("POST", url, io.BytesIO(body), content_type=kind)


def _body(token, name, data):
    return (
        b'--b\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n'
        + token.encode()
        + b'\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="'
        + name
        + b'"\r\nContent-Type: text/plain\r\n\r\n'
        + data
        + b"\r\n--b--\r\n"
    )


def _over_the_wire(port, url, body, cookie, *, promised=None):
    """Status and text; 0 where the server says nothing to a body shorter than promised."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    sent = {
        "Host": parts.netloc,
        "User-Agent": FIREFOX,
        "Cookie": cookie,
        "Content-Type": f"{MULTIPART}; boundary=b",
        "Content-Length": str(promised or len(body)),
        "X-Forwarded-Proto": "https",
    }
    connection.request("POST", parts.path, body, sent)
    if promised:
        connection.sock.shutdown(socket.SHUT_WR)
    try:
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (http.client.HTTPException, OSError):
        return 0, ""
    finally:
        connection.close()


def test_the_same_by_command(stage, acme, tmp_path):
    plan, page = tmp_path / "plan.pdf", tmp_path / "page.html"
    plan.write_bytes(PDF)
    page.write_bytes(b"<html>")
    customer = ("halden", MARIT.customer)
    added = stage.command("file", "add", *customer, str(plan), "--share", "--as", "Kari")
    assert (added.exit_code, added.output) == (0, "1  plan.pdf\n")
    for refused in (
        ("add", *customer, str(page)),
        ("add", *customer, str(plan), "--project", "999"),
        ("share", "brightwater", "1", "off"),
        ("remove", "brightwater", "1"),
    ):
        assert stage.command("file", *refused).exit_code == 1
    assert (
        stage.command("file", "list", *customer).output
        == f"1  plan.pdf  {len(PDF)} bytes  shared\n"
    )
    assert stage.command("file", "share", "halden", "1", "off").exit_code == 0
    assert stage.command("file", "remove", "halden", "1").output == "1 file removed.\n"
    assert stage.command("file", "list", *customer).output == ""
    assert _kept(stage) == []
    # What a process that was killed left behind, whole or not, is taken away when it is asked for.
    stage.command("file", "add", *customer, str(plan))
    with acme.scope():
        files.receive(io.BytesIO(PDF), "stray.pdf")
    broken_off = stage.folder / "files" / "acme" / "aa" / ("a" * 64 + ".new")
    broken_off.parent.mkdir(exist_ok=True)
    broken_off.touch()
    assert stage.command("file", "tidy").output == "0 stray uploads taken away.\n"
    for path in _kept(stage):
        os.utime(path, (0, 0))
    assert stage.command("file", "tidy").output == "2 stray uploads taken away.\n"
    (kept,) = _kept(stage)
    assert kept.name == acme.rows(StoredFile)[-1].storage_key

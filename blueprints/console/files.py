"""Files of a customer and of a project: sent up, shared, fetched, removed (spec W2, C5)."""

from __future__ import annotations

from flask import Response, redirect, request, url_for

from blueprints.console import bp
from blueprints.console.frame import console_page
from blueprints.console.gate import me, needs
from portico.config import settings
from portico.queries import files as queries
from portico.queries.files import Folder
from portico.queries.lists import LARGEST_ID, search_term
from portico.records.file import StoredFile
from portico.records.staff import Permission
from portico.refusals import BadInput, NotFound
from portico.services import files
from portico.services.files import Place
from portico.web import uploads
from portico.web.ways import go

_AT_ONCE = 4  # of the largest files; smaller ones up to files.MOST_AT_ONCE
_DONE = {
    "added": "The files are there.",
    "added-shared": "The files are there, and the customer is told.",
    "shared": "The customer sees the file, and is told.",
    "hidden": "The customer sees the file no more.",
    "removed": "The file is removed.",
}


@bp.get("/customers/<int:customer_id>/files")
@needs(Permission.VIEW)
def customer_files(customer_id: int) -> Response:
    """All files of a customer, those of their projects and requests too."""
    return _page(_library(customer_id), done=request.args.get("done", ""))


@bp.get("/projects/<int:project_id>/files")
@needs(Permission.VIEW)
def project_files(project_id: int) -> Response:
    return _page(_project(project_id), done=request.args.get("done", ""))


@bp.post("/customers/<int:customer_id>/files")
@needs(Permission.CUSTOMERS_EDIT, files=_AT_ONCE)
def customer_files_add(customer_id: int) -> Response:
    return _add(_library(customer_id))


@bp.post("/projects/<int:project_id>/files")
@needs(Permission.CUSTOMERS_EDIT, files=_AT_ONCE)
def project_files_add(project_id: int) -> Response:
    return _add(_project(project_id))


@bp.get("/files/<int:file_id>/download")
@needs(Permission.VIEW)
def file_download(file_id: int) -> Response:
    """To a signed address that runs out in two minutes."""
    address = files.address_for_staff(_find(file_id), me().session_id, by=me().by)
    return redirect(address, 303)  # type: ignore[return-value]


@bp.post("/files/<int:file_id>/share")
@needs(Permission.CUSTOMERS_EDIT)
def file_share(file_id: int) -> Response:
    file, shared = _find(file_id), request.form.get("on")
    if shared not in {"yes", "no"}:
        raise BadInput({"on": "Please use the buttons on the page; nothing was changed."})
    files.share(file.id, shared == "yes", by=me().by)
    return _done(_folder_of(file), "shared" if shared == "yes" else "hidden")


@bp.post("/files/<int:file_id>/remove")
@needs(Permission.CUSTOMERS_EDIT)
def file_remove(file_id: int) -> Response:
    file = _find(file_id)
    files.remove(file.id, by=me().by)
    return _done(_folder_of(file), "removed")


# --- finding ------------------------------------------------------------------------------------


def _library(customer_id: int) -> Folder:
    found = queries.library(me().organization_id, customer_id)
    if found is None:
        raise NotFound(hint="")
    return found


def _project(project_id: int) -> Folder:
    found = queries.project_folder(me().organization_id, project_id)
    if found is None:
        raise NotFound(hint="")
    return found


def _find(file_id: int) -> StoredFile:
    found = queries.staff_file(me().organization_id, file_id)
    if found is None:
        raise NotFound(hint="")
    return found


def _folder_of(file: StoredFile) -> Folder:
    """The page that the button was on: a file of a project stands on its customer's page too."""
    if file.project_id is not None and request.form.get("at") == "project":
        return _project(file.project_id)
    return _library(file.customer_id)


# --- answering ----------------------------------------------------------------------------------


def _add(folder: Folder) -> Response:
    shared = request.form.get("shared") == "yes"
    place = Place(me().organization_id, folder.customer_id, folder.project_id)
    try:
        files.add(uploads.several("file"), place, by=me().by, shared=shared)
    except BadInput as problem:
        return _page(folder, status=problem.status, errors=problem.errors)
    return _done(folder, "added-shared" if shared else "added")


def _done(folder: Folder, what: str) -> Response:
    """The files as they are now: in place for htmx, by redirect for everybody else."""
    if request.headers.get("HX-Request") == "true":
        return _page(folder, done=what)
    return go(f"{_url(folder)}?done={what}")


def _page(
    folder: Folder, *, status: int = 200, done: str = "", errors: dict[str, str] | None = None
) -> Response:
    asked = request.args if request.method == "GET" else {}
    term = search_term(asked.get("q", ""))
    page = queries.staff_page(
        me().organization_id,
        folder,
        term=term,
        before=_number(asked.get("before", "")),
        after=_number(asked.get("after", "")),
    )
    return console_page(
        "console/files.html",
        part="console/_files.html",
        status=status,
        folder=folder,
        url=_url(folder),
        page=page,
        term=term,
        done=_DONE.get(done),
        errors=errors or {},
        limit=files.readable(settings().max_upload),
        limit_at_once=files.readable(_AT_ONCE * settings().max_upload),
        most=files.MOST_AT_ONCE,
    )


def _url(folder: Folder) -> str:
    if folder.project_id is not None:
        return url_for("console.project_files", project_id=folder.project_id)
    return url_for("console.customer_files", customer_id=folder.customer_id)


def _number(text: str) -> int | None:
    fits = text.isascii() and text.isdigit() and len(text) <= 19
    return int(text) if fits and int(text) <= LARGEST_ID else None

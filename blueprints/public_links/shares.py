"""A project behind a secret link, to read and to print (spec S1)."""

from __future__ import annotations

from types import SimpleNamespace

from flask import Response, g, redirect, request, url_for

from portico.files.store import Reader
from portico.queries import project_shares
from portico.queries.project_shares import SharedProject
from portico.records.activity import Activity
from portico.refusals import NotFound
from portico.services import activity, files
from portico.web import limits
from portico.web.pages import brand_css_url, page
from portico.web.visitors import visitor

ENDPOINTS = {"public_links.share", "public_links.share_print", "public_links.share_file"}
PREFIXES = ("/shared/projects", "/p/projects")  # addresses are built from the first
_BUCKET = "portal-public"


def admit() -> None:
    """Find the share, or answer as if there were none; count the visit. Raises NotFound, TooMany."""
    found = project_shares.open_share((request.view_args or {})["token"], visitor())
    if found is None:
        limits.unknown_token(_BUCKET)
        raise NotFound
    limits.known_link(_BUCKET, f"share-{found.share_id}")
    g.shared_project = found


def share(token: str) -> Response:
    """The project as it stands now."""
    activity.note(_shared().entry(Activity.VIEW_SHARE))
    return _page("public/share.html", token)


def share_print(token: str) -> Response:
    """The same without anything to click, for paper."""
    activity.note(_shared().entry(Activity.VIEW_SHARE, printed=True))
    return _page("public/share_print.html", token)


def share_file(token: str, file_id: int) -> Response:
    """To a signed address of the file that runs out in two minutes."""
    at = _shared()
    file = project_shares.file(at, file_id)
    if file is None:
        raise NotFound
    activity.note(at.entry(Activity.DOWNLOAD_FILE, file=file.id, name=file.name))
    address = files.address(file.storage_key, file.name, Reader.SHARE, at.share_id)
    return redirect(address, 303)  # type: ignore[return-value]


def _page(template: str, token: str) -> Response:
    at = _shared()
    return page(
        template,
        org=brand_css_url(at.org),
        share=at,
        project=at.project,
        snapshot=project_shares.snapshot(at),
        link=SimpleNamespace(
            url=url_for("public_links.share", token=token),
            print_url=url_for("public_links.share_print", token=token),
            file_url=lambda number: url_for("public_links.share_file", token=token, file_id=number),
        ),
    )


def _shared() -> SharedProject:
    found: SharedProject = g.shared_project
    return found

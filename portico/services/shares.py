"""Read-only links to a project: issued, mailed, revoked (spec S1, S2)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from portico import clock, tokens
from portico.db import current_tenant, db, unit_of_work
from portico.records.activity import Activity
from portico.records.customer import Contact
from portico.records.mail import MailKind
from portico.records.organization import Organization
from portico.records.project import Project, ProjectShare
from portico.refusals import BadInput, StaffRefusal, Unknown
from portico.services import activity, doubles, links, outbox, projects

PURPOSE = "project_share"
MOST_SHARES = 200  # of one project, revoked ones too
LONG, SHORT = "/shared/projects/", "/p/projects/"  # the short one is for mails


@dataclass(frozen=True, slots=True)
class Shows:
    """What a share shows beside the project itself; money and hours are off unless wanted."""

    time: bool = False
    budget: bool = False
    files: bool = False


def issue(
    project_id: int,
    shows: Shows,
    *,
    by: str,
    last_day: dt.date | None = None,
    contact_id: int | None = None,
) -> tuple[ProjectShare, str]:
    """A new share and its address, shown this once. With a contact, it is mailed to them too. The
    very same just now is that one: a second click makes and mails no other.

    *last_day* is the last on which it opens, where the organization is. Raises BadInput,
    StaffRefusal, Unknown.
    """
    with unit_of_work():
        project = projects.held(project_id)
        if not project.is_shared_with_client:
            raise StaffRefusal("Share the project with its customer first.")
        contact = _contact(project, contact_id) if contact_id is not None else None
        end = _end_of(project, last_day)
        before = _issued_before(project, shows, contact, end, by)
        if before is not None:
            return before, url_of(before, LONG)
        share = _add(project, shows, contact, end, by)
        if contact is not None:
            outbox.post(
                MailKind.PROJECT_SHARED,
                organization_id=project.organization_id,
                customer_id=project.customer_id,
                contact_id=contact.id,
                reference={"share": share.id},
            )
        activity.record(
            projects.entry(
                Activity.SHARE_PROJECT, project, by, share=share.id, mailed=contact is not None
            )
        )
        return share, url_of(share, LONG)


def _issued_before(
    project: Project, shows: Shows, contact: Contact | None, end: dt.datetime | None, by: str
) -> ProjectShare | None:
    return doubles.newest(
        ProjectShare,
        ProjectShare.project_id == project.id,
        says={
            "contact_id": contact.id if contact else None,
            "shows_time": shows.time,
            "shows_budget": shows.budget,
            "shows_files": shows.files,
            "expires_at": end,
            "created_by": by,
            "revoked_at": None,
        },
    )


def url_of(share: ProjectShare, path: str = SHORT) -> str:
    """The whole address, derived again. It goes into a mail or once onto a screen, never to rest."""
    tenant = current_tenant()
    token = tokens.again(PURPOSE, tenant.slug, share.id, share.nonce, share.token_sha256)
    return tenant.public_url + path + token


def revoke(project_id: int, share_id: int, *, by: str) -> bool:
    """End a share for good; False where it was revoked before. Raises Unknown."""
    with unit_of_work():
        project = projects.held(project_id)
        share = db.session.get(ProjectShare, share_id, populate_existing=True)
        if share is None or share.project_id != project.id:
            raise Unknown("There is no such share.")
        if share.revoked_at is not None:
            return False
        share.revoked_at, share.revoked_by = clock.now(), by
        activity.record(
            projects.entry(Activity.SHARE_PROJECT, project, by, share=share.id, revoked=True)
        )
    return True


def is_open(share_id: int) -> bool:
    """Whether a share opens its project now."""
    share = db.session.get_one(ProjectShare, share_id, populate_existing=True)
    project = db.session.get_one(Project, share.project_id, populate_existing=True)
    ended = share.expires_at is not None and share.expires_at <= clock.now()
    return share.revoked_at is None and not ended and project.is_shared_with_client


def _add(
    project: Project, shows: Shows, contact: Contact | None, end: dt.datetime | None, by: str
) -> ProjectShare:
    count = db.session.scalar(
        sa.select(sa.func.count()).where(ProjectShare.project_id == project.id)
    )
    if (count or 0) >= MOST_SHARES:
        raise StaffRefusal(f"A project has at most {MOST_SHARES} shares.")
    nonce = tokens.new_nonce()
    share = ProjectShare(
        organization_id=project.organization_id,
        customer_id=project.customer_id,
        project_id=project.id,
        contact_id=contact.id if contact else None,
        nonce=nonce,
        token_sha256=nonce,  # until the row has its id, which the token is bound to
        shows_time=shows.time,
        shows_budget=shows.budget,
        shows_files=shows.files,
        expires_at=end,
        created_at=clock.now(),
        created_by=by,
    )
    db.session.add(share)
    db.session.flush()
    token = tokens.mint(PURPOSE, current_tenant().slug, share.id, nonce)
    share.token_sha256 = tokens.digest(token) or b""
    db.session.flush()
    return share


def _contact(project: Project, contact_id: int) -> Contact:
    """Whoever it is mailed to: one of the customer's who may receive mail (W7)."""
    contact = db.session.get(Contact, contact_id)
    if contact is None or contact.customer_id != project.customer_id:
        raise Unknown("There is no such contact.")
    if not contact.can_receive_mail:
        raise BadInput({"contact": "This contact is switched off or has no e-mail address."})
    return contact


def _end_of(project: Project, last_day: dt.date | None) -> dt.datetime | None:
    if last_day is None:
        return None
    zone = db.session.get_one(Organization, project.organization_id).timezone
    if last_day < clock.today(zone):
        raise BadInput({"last_day": "This day is over. Please choose another, or none."})
    return links.end_of_day(last_day, zone)

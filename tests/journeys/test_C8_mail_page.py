"""C8: every message with how it went, for each recipient, and once more what did not arrive."""

from __future__ import annotations

from threading import Barrier, Thread

from portico.records.content import Kind
from portico.records.staff import Role
from portico.refusals import Conflict
from portico.services import accounts, colleagues, links, outbox
from tests.cast import CHIYO, MARIT, OLAF, PASSWORD


def _states(answer):
    return [
        " ".join(chip.text_content().split())
        for chip in answer.tree.xpath("//li[contains(@class, 'mail')]//span[contains(@class, 'chip')]")
    ]  # fmt: skip


def test_each_message_shows_how_it_went_to_its_own_team_alone(both):
    acme = both.acme
    staff = acme.staff(Role.VIEWER)
    both.inbox.refuse("550 no such mailbox", to=(OLAF.email,))
    quote = acme.document(MARIT)
    acme.send(quote, MARIT)
    acme.send(acme.document(OLAF, Kind.INVOICE), OLAF)
    acme.send(acme.document(CHIYO), CHIYO)
    both.deliver()
    both.visitor().get(both.link_to(MARIT))
    address = f"{acme.console}/mail"
    assert "/staff/login" in both.visitor().get(address).location
    page = staff.get(address)
    assert _states(page)[:2] == ["Failed", "Sent"]
    said = page.text
    for known in (MARIT.email, OLAF.email, "Quote Q-2041", "Invoice INV-1007", "Given up", "550"):
        assert known in said, known
    assert CHIYO.email not in said
    assert page.tree.xpath("//form[contains(@action, 'resend')]") == []

    def found(query):
        return _states(staff.get(f"{address}?{query}"))

    assert found("state=failed") == ["Failed"]
    assert found("state=sent&kind=document_sent") == ["Sent"]
    assert found("kind=reminder") == []
    assert found("q=TINDE.example") == ["Failed"]
    assert found("q=Q-204&state=sent") == ["Sent"]
    assert found("q=%25") == []
    assert found("q=%ED%A0%80") == []
    assert len(found("state=x&kind=x&before=x")) == 3
    assert found("before=1") == []
    theirs = next(mail.id for mail in acme.mails() if mail.contact_id == acme.contact(CHIYO).id)
    for stranger in (theirs, 10**9, 10**30):
        assert staff.get(f"{address}/{stranger}").status == 404
    token = staff.get(f"{acme.console}/you").form("/password")[1]["csrf_token"]
    failed = next(mail.id for mail in acme.mails() if mail.state == "failed")
    for mail_id, status in ((failed, 403), (theirs, 403), (10**30, 404)):
        again = f"{address}/{mail_id}/resend"
        assert staff.post(again, {"csrf_token": token}).status == status
    seller = acme.staff(Role.SALES)
    token = seller.get(f"{acme.console}/you").form("/password")[1]["csrf_token"]
    for mail_id in (theirs, 10**9, 10**30):
        assert seller.post(f"{address}/{mail_id}/resend", {"csrf_token": token}).status == 404
    assert acme.mails()[failed - 1].state == "failed"


def test_what_failed_is_tried_again_by_whoever_may_send_it(stage):
    acme = stage.acme
    sales = acme.staff(Role.SALES)
    stage.inbox.refuse("550 no such mailbox", to=(OLAF.email,))
    acme.send(acme.document(OLAF, Kind.INVOICE), OLAF)
    stage.deliver()
    (failed,) = (mail for mail in acme.mails() if mail.state == "failed")
    stage.inbox.behave()
    page = sales.get(f"{acme.console}/mail")
    part = sales.fill_in(page, form=f"/{failed.id}/resend", htmx=True)
    assert part.status == 200
    assert _states(part) == ["Queued"]
    (said,) = part.tree.xpath("//li//*[@role='status']")
    assert said.text_content() == "It is tried again."
    assert "autofocus" in said.attrib, "the button that had the focus is gone"
    again = sales.fill_in(page, form=f"/{failed.id}/resend")
    assert again.status == 409
    assert "on its way or has arrived" in again.text
    stage.deliver()
    assert "INV-1007" in stage.letters_to(OLAF)[-1].message["Subject"]
    (line,) = (row for row in acme.log() if row.type == "resend_mail")
    assert (line.actor, line.document_id) == ("Sales Nilsen", failed.document_id)
    assert line.details == {"mail": "document_sent", "number": failed.id}
    # A way in is made anew, since the old one may have run out; Sales invites nobody.
    stage.inbox.refuse("550 no such mailbox", to=(MARIT.email,))
    with acme.scope():
        accounts.invite(acme.contact(MARIT).id, by="Kari")
    stage.deliver()
    stage.inbox.behave()
    invitation = next(mail for mail in acme.mails() if mail.kind == "account_setup")
    assert sales.get(f"{acme.console}/mail/{invitation.id}").tree.xpath("//form[@hx-post]") == []
    manager = acme.staff(Role.MANAGER)
    # What a colleague is told about their own sign-in is for whoever keeps the team.
    acme.execute("UPDATE mails SET kind = 'staff_notice' WHERE id = :id", id=invitation.id)
    assert manager.get(f"{acme.console}/mail/{invitation.id}").tree.xpath("//form[@hx-post]") == []
    acme.execute("UPDATE mails SET kind = 'account_setup' WHERE id = :id", id=invitation.id)
    done = manager.fill_in(f"{acme.console}/mail/{invitation.id}", form="/resend")
    assert done.status == 303
    assert "It is tried again" in manager.get(done.location).text
    stage.deliver()
    way_in = stage.way_in(MARIT)
    password = "the boathouse floor creaks"
    assert stage.visitor().fill_in(way_in, {"password": password, "again": password}).status == 303


def test_an_old_invitation_mails_nothing_to_who_chose_a_password_meanwhile(both, clock):
    acme = both.acme
    owner = acme.staff()
    contact, bo = acme.contact(MARIT).id, "bo@halden.example"
    with acme.scope():
        for _invitation in range(2):
            accounts.invite(contact, by="Kari")
        member = colleagues.invite("Bo", bo, 1, Role.SALES, by="Kari").id
        colleagues.resend(member, 1, by="Kari")
    both.deliver()
    clock.advance(minutes=1)
    for email in (MARIT.email, bo):
        both.visitor().fill_in(both.way_in(email), {"password": PASSWORD, "again": PASSWORD})
    skipped = next(mail for mail in acme.mails() if mail.kind == "account_setup")
    assert skipped.state == "skipped"
    voided = next(mail for mail in acme.mails() if mail.reference.get("staff") == member)
    acme.execute("UPDATE mails SET state = 'failed' WHERE id = :id", id=voided.id)
    for mail in (skipped, voided):
        page = owner.get(f"{acme.console}/mail/{mail.id}")
        refused = owner.fill_in(page, form="/resend", htmx=True)
        assert refused.status == 409, mail.kind
        assert "They have chosen a password already" in refused.text
    # Nor does one that was still waiting for its turn when the other led in.
    acme.execute("UPDATE mails SET state = 'queued' WHERE id = :id", id=skipped.id)
    arrived = len(both.letters_to(MARIT))
    both.deliver()
    assert len(both.letters_to(MARIT)) == arrived


def test_a_mail_whose_link_was_revoked_leads_to_where_a_fresh_one_is_made(stage):
    acme = stage.acme
    sales, viewer = acme.staff(Role.SALES), acme.staff(Role.VIEWER)
    quote = acme.document(MARIT)
    acme.send(quote, MARIT)
    mail = acme.mails()[-1]
    with acme.scope():
        links.revoke(mail.link_id, by="Kari")
    stage.deliver()
    page = sales.get(f"{acme.console}/mail/{mail.id}")
    assert _states(page) == ["Skipped"]
    assert page.tree.xpath("//form[contains(@action, 'resend')]") == []
    (way,) = page.tree.xpath("//li//a[contains(@href, '/send')]/@href")
    assert sales.get(f"{acme.public_url}{way}").status == 200
    assert "/send" not in viewer.get(f"{acme.console}/mail/{mail.id}").source
    token = sales.get(f"{acme.console}/you").form("/password")[1]["csrf_token"]
    url = f"{acme.console}/mail/{mail.id}/resend"
    assert sales.post(url, {"csrf_token": token}).status == 409


def test_what_a_mail_server_writes_is_kept_without_what_cannot_be_shown(both):
    acme = both.acme
    staff = acme.staff(Role.VIEWER)
    for number, (code, state) in enumerate({"451": "queued", "550": "failed"}.items()):
        both.inbox.refuse(f"{code} no\x00 such\x01 \u202emailbox, later.", to=(OLAF.email,))
        acme.send(acme.document(OLAF, number=f"Q-{number}", external_id=code), OLAF)
        both.deliver()
        mail = acme.mails()[-1]
        assert (mail.state, mail.error) == (state, f"{code} no such mailbox, later")
    said = staff.get(f"{acme.console}/mail").text
    assert "Attempt 1 failed: 451 no such mailbox, later. Next attempt" in said


def test_a_mail_whose_ending_cannot_be_written_stops_no_other(stage):
    acme = stage.acme
    for person in (MARIT, OLAF):
        acme.send(acme.document(person, external_id=person.name, number=person.name), person)
    first = acme.mails()[0].id
    acme.execute(
        "CREATE TRIGGER never BEFORE UPDATE ON mails WHEN NEW.state = 'sent' AND NEW.id = "
        f"{first} BEGIN SELECT RAISE(ABORT, 'never'); END"
    )
    stage.work()
    assert [mail.state for mail in acme.mails()] == ["sending", "sent"]
    assert len(stage.letters_to(OLAF)) == 1


def test_of_two_who_try_again_at_once_one_wins(both):
    acme = both.acme
    both.inbox.refuse("550 no such mailbox", to=(OLAF.email,))
    acme.send(acme.document(OLAF, Kind.INVOICE), OLAF)
    both.deliver()
    (failed,) = (mail for mail in acme.mails() if mail.state == "failed")
    start, won, lost = Barrier(6), [], []

    def ask() -> None:
        with acme.scope():
            start.wait()
            try:
                outbox.resend(failed.id, by="Kari")
                won.append(1)
            except Conflict:
                lost.append(1)

    threads = [Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 5)
    both.inbox.behave()
    assert len([row for row in acme.log() if row.type == "resend_mail"]) == 1

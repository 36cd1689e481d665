"""C4, L17: who has a link to a document, who probably looked, and how a link is taken back."""

from __future__ import annotations

import re

from portico.records.content import Kind
from portico.records.staff import Role
from portico.services import links
from tests.cast import MARIT, token_of
from tests.journeys.test_C4_documents import at, do

SCANNER = "Mozilla/5.0 (compatible; Barracuda Sentinel)"


def test_sales_and_strangers_revoke_nothing(stage, acme):
    quote, link = acme.quote()
    sales, desk = acme.staff(Role.SALES), acme.staff(Role.OWNER, "brightwater")
    page = sales.get(at(acme, quote, "links"))
    assert "Marit Solberg" in page.text
    assert "/revoke" not in str(page.forms())
    token = page.form("/copy")[1]["csrf_token"]
    for rest in (("revoke",), ("links", 1, "revoke")):
        assert sales.post(at(acme, quote, *rest), {"csrf_token": token}).status == 403
        assert desk.post(at(acme, quote, *rest)).status in {403, 404}
    assert desk.get(at(acme, quote, "links")).status == 404
    assert stage.visitor().get(link).status == 200


def test_a_copied_link_is_shown_once_and_kept_nowhere(stage, acme):
    sales = acme.staff(Role.SALES)
    quote = acme.document(MARIT)
    for hours in ("0", "100000", "soon", "-1", "9" * 30):
        told = do(sales, acme, quote, "copy", htmx=True, hours=hours)
        assert told.status == 422, hours
        assert not told.tree.xpath(".//p[contains(@class, 'once')]")
    assert acme.links() == []
    told = do(sales, acme, quote, "copy", htmx=True)
    [url] = [one.text_content() for one in told.tree.xpath(".//p[contains(@class, 'once')]")]
    assert stage.visitor().get(url).status == 200
    assert acme.read(quote).state == "sent"
    # A second click gets the same link; who asks once more on purpose gets another.
    page = sales.get(at(acme, quote))
    copies = [sales.fill_in(page, {"hours": "5"}, form="/copy").tree for _ in range(2)]
    [one, other] = [tree.find(".//p[@class='code once']").text_content() for tree in copies]
    assert (one, len(acme.links())) == (other, 2)
    assert do(sales, acme, quote, "copy", hours="5").status == 200
    assert len(acme.links()) == 3
    reopened = sales.get(at(acme, quote, "copy"))  # Enter in the address, after no redirect
    assert reopened.location == at(acme, quote, "links")
    plain = do(sales, acme, quote, "copy", hours="48", purpose="quote")
    assert plain.status == 200  # the page itself: a redirect would have to keep the address
    [short] = [one.text_content() for one in plain.tree.xpath(".//p[contains(@class, 'once')]")]
    assert "/q/" in short
    assert acme.links()[-1].life_hours == 48
    for address in (url, short):
        assert token_of(address) not in sales.get(at(acme, quote, "links")).source
        assert token_of(address) not in repr(acme.dump())
        assert token_of(address) not in repr([vars(row) for row in acme.log()])
    invoice = acme.document(MARIT, Kind.INVOICE)
    token = sales.get(at(acme, invoice)).form("/copy")[1]
    refused = sales.post(at(acme, invoice, "copy"), token | {"purpose": "quote"}, htmx=True)
    assert (refused.status, "Only a quote" in refused.text) == (422, True)


def test_each_link_says_how_it_stands_and_who_looked(both):
    acme = both.acme
    owner = acme.staff()
    quote, link = acme.quote()
    acme.send(quote, MARIT)
    page = owner.get(at(acme, quote, "links"))
    assert "Waiting for its mail" in page.text
    assert re.search("Live until 13 Nov 2026", page.text)
    assert page.text.count("Not opened yet.") == 2
    person = both.visitor()
    person.get(link)
    person.get(link)
    both.visitor(User_Agent=SCANNER).get(link)
    acme.log()
    text = owner.get(at(acme, quote, "links")).text
    assert "Viewed 2 times by a person." in text
    assert "by probably a scanner" in text
    happened = owner.get(at(acme, quote, "activity")).text
    assert "Viewed a quote" in happened
    assert "Probably a scanner" in happened
    assert "A view is here within a second" in happened
    person.post(f"{link}/end", {"sure": "yes"})
    both.deliver()
    acme.execute("UPDATE customer_portal_links SET expires_at = '2026-11-12 08:00:00+00' "
                 "WHERE id = 2" if both.acme.database_url.startswith("postgres") else
                 "UPDATE customer_portal_links SET expires_at = '2026-11-12 08:00:00' "
                 "WHERE id = 2")  # fmt: skip
    text = owner.get(at(acme, quote, "links")).text
    assert "Ended by the customer" in text
    assert "Expired" in text


def test_one_link_is_revoked_or_all_of_them(stage, acme):
    owner = acme.staff()
    quote, first = acme.quote()
    second = acme.mailed(quote, MARIT)
    one, two = (link.id for link in acme.links())
    told = do(owner, acme, quote, f"links/{one}/revoke", "links", htmx=True)
    assert "The link is revoked." in told.text
    assert [stage.visitor().get(link).status for link in (first, second)] == [404, 200]
    assert acme.log()[-1].type in {"revoke_link", "view_quote"}
    revoked = [row for row in acme.log() if row.type == "revoke_link"]
    assert [(row.actor, row.link_id) for row in revoked] == [("Owner Nilsen", one)]
    again = owner.post(
        at(acme, quote, "links", one, "revoke"), told.form(f"/{two}/revoke")[1], htmx=True
    )
    assert again.status == 200  # revoking twice is revoking once
    assert len([row for row in acme.log() if row.type == "revoke_link"]) == 1
    done = do(owner, acme, quote, "revoke")
    assert "Every link to this document is revoked" in owner.get(done.location).text
    assert stage.visitor().get(second).status == 404
    other = acme.document(MARIT, Kind.INVOICE)
    acme.send(other, MARIT)
    foreign = at(acme, quote, "links", acme.links()[-1].id, "revoke")
    assert owner.post(foreign, told.form(f"/{two}/revoke")[1]).status == 404
    assert acme.links()[-1].revoked_at is None


def test_links_and_history_are_paged(stage, acme):
    owner = acme.staff()
    quote = acme.document(MARIT)
    for _ in range(27):
        acme.copy(quote)
    first = owner.get(at(acme, quote, "links"))
    [older] = [one.get("href") for one in first.tree.iter("a") if "Older" in one.text_content()]
    second = owner.get(f"{acme.public_url}{older}", htmx=True)
    assert [page.text.count("Copied link") for page in (first, second)] == [25, 2]
    first = owner.get(at(acme, quote, "activity"))
    [older] = [one.get("href") for one in first.tree.iter("a") if "before" in one.text_content()]
    second = owner.get(f"{acme.public_url}{older}")
    assert [page.text.count("Issued a link") for page in (first, second)] == [25, 2]
    for bad in ("x", str(2**70), "1.1.1", "%ED%A0%80"):
        for tab in ("links", "activity"):
            assert owner.get(at(acme, quote, f"{tab}?before={bad}")).status == 200


def test_a_mail_that_failed_is_sent_again(stage, acme):
    sales = acme.staff(Role.SALES)
    quote = acme.document(MARIT)
    acme.send(quote, MARIT)
    acme.execute("UPDATE mails SET state = 'failed', error = 'The address is unknown.' "
                 "WHERE kind = 'document_sent'")  # fmt: skip
    page = sales.get(at(acme, quote, "activity"))
    assert "The address is unknown." in page.text
    told = sales.fill_in(page, form="/again", htmx=True)
    assert "on its way again" in told.text
    late = sales.fill_in(page, form="/again", htmx=True)
    assert (late.status, "on its way or has arrived" in late.text) == (409, True)
    stage.deliver()
    assert stage.visitor().get(stage.link_to(MARIT)).status == 200
    # Where the link was taken back, the mail would never go out.
    acme.execute("UPDATE mails SET state = 'failed' WHERE kind = 'document_sent'")
    page = sales.get(at(acme, quote, "activity"))
    with acme.scope():
        links.revoke_for_document(quote, by="Kari")
    assert "Send again" not in sales.get(at(acme, quote, "activity")).text
    void = sales.fill_in(page, form="/again")
    assert (void.status, "Send the document anew" in void.text) == (409, True)
    assert stage.deliver() == 0

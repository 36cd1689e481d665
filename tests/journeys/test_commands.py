"""What the team does from the shell: each command, and what it says to a mistake."""

from __future__ import annotations

import pytest

from portico.records.content import Kind
from portico.records.customer import Contact, Customer
from portico.records.decision import Decision
from portico.records.document import Document
from portico.records.organization import Organization
from tests.cast import CHIYO, MARIT, OLAF, content_for, link_in

MISTAKES = [
    (["organization", "create", "Halden!", "--name", "x", "--email", "a@b.example"], "short name"),
    (["organization", "create", "halden", "--name", "x", "--email", "a@b.example"], "already"),
    (["organization", "create", "new", "--name", "x"], "e-mail"),
    (["organization", "create", "new", "--name", "x", "--email", "nonsense"], "e-mail address"),
    (["organization", "set", "nobody", "--name", "x"], "no organization"),
    (["organization", "set", "halden", "--timezone", "Mars/Base"], "time zone"),
    (["organization", "set", "halden", "--timezone", "../etc/passwd"], "time zone"),
    (["organization", "set", "halden", "--locale", "klingon"], "locale"),
    (["organization", "set", "halden", "--colour", "red; }"], "colour"),
    (["organization", "set", "halden", "--name", ""], "name"),
    (["organization", "link-life", "halden", "--kind", "invoice", "--until-validity"], "quotes"),
    (["organization", "link-life", "halden", "--kind", "quote", "--hours", "0"], "hours"),
    (["customer", "create", "halden", ""], "name"),
    (["customer", "create", "nobody", "x"], "no organization"),
    (["contact", "add", "halden", "Nobody", "--name", "x"], "no customer"),
    (["contact", "add", "halden", MARIT.customer, "--name", "x", "--email", "a b@c"], "e-mail"),
    (["contact", "switch", "halden", MARIT.customer, OLAF.email, "off"], "no contact"),
    (["contact", "switch", "halden", OLAF.customer, MARIT.email, "off"], "no contact"),
    (["customer", "switch", "halden", CHIYO.customer, "off"], "no customer"),
    (["customer", "revoke-links", "halden", CHIYO.customer], "no customer"),
    (["document", "send", "halden", "quote", "Q-1"], "no quote"),
    (["document", "send", "brightwater", "quote", "Q-2041"], "no quote"),
    (["document", "send", "halden", "invoice", "Q-2041"], "no invoice"),
    (["document", "send", "halden", "quote", "Q-2041", "--to", OLAF.email], "Not a contact"),
    (["document", "send", "halden", "quote", "Q-2041", "--hours", "99999"], "hour"),
    (["document", "answer", "halden", "quote", "Q-2041", " "], "fill this in"),
    (["document", "post", "halden", "quote", "Q-2041"], "not a draft"),
    (["quote", "record", "halden", "Q-2041", "accepted", "--name", " ", "--note", "x"], "fill this in"),
    (["quote", "record", "halden", "Q-2041", "accepted", "--name", "x", "--note", " "], "fill this in"),
    (["quote", "reverse", "halden", "Q-2041", "--note", "x"], "no answer to reverse"),
    (["mail", "resend", "999"], "no message"),
    (["mail", "resend", "0"], "range"),
    (["receipt", "verify", "AAAA-BBBB-CCCC-DDDD"], "No decision"),
    (["activity", "show", "halden", "quote", "Q-1"], "no quote"),
]  # fmt: skip


def test_a_mistake_is_answered_by_a_sentence_and_changes_nothing(both, subtests):
    both.acme.document(MARIT)
    before = both.acme.dump()
    for words, said in MISTAKES:
        with subtests.test(" ".join(words)):
            told = both.command(*words)
            assert told.exit_code != 0
            assert said in told.output
            assert "Traceback" not in told.output
            assert both.acme.dump() == before


def test_the_outsider_tenant_has_no_commands(both):
    assert both.command("tenant", "list", tenant=None).output.count("\n") == 2
    told = both.command("document", "send", "halden", "quote", "Q-2041", tenant="mallory")
    assert told.exit_code == 1
    assert "no tenant" in told.output
    unnamed = both.command("document", "send", "halden", "quote", "Q-2041", tenant=None)
    assert unnamed.exit_code == 1
    assert "--tenant" in unnamed.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["acme", "--url", "https://x.example"], "Another tenant"),
        (["Big Name", "--url", "https://x.example"], "short name"),
        (["../acme", "--url", "https://x.example"], "short name"),
        (["new", "--url", "ftp://x.example"], "public URL"),
        (["new", "--url", "https://x.example/?a=1"], "public URL"),
        (["new", "--url", "https://x.example", "--host", "acme.portal.example"], "Another tenant"),
        (["new", "--url", "https://x.example", "--host", "not a host"], "host name"),
    ],
)
def test_a_tenant_is_not_made_by_mistake(stage, words, said):
    told = stage.command("tenant", "create", *words, "--name", "New", tenant=None)
    assert told.exit_code == 1
    assert said in told.output
    assert stage.command("tenant", "list", tenant=None).output.count("\n") == 2
    assert not list(stage.folder.rglob("new.db"))


def test_from_nothing_to_an_accepted_quote_by_commands_alone(postgres_url, stage, tmp_path):
    """A whole life, in a tenant on PostgreSQL that was made by command."""

    def run(*words, tenant="cedar"):
        told = stage.command(*words, tenant=tenant)
        assert told.exit_code == 0, told.output
        return told.output

    run("tenant", "create", "cedar", "--name", "Cedar", "--url", "https://cedar.example",
        "--host", "cedar.example", "--database", postgres_url, tenant=None)  # fmt: skip
    run("organization", "create", "one", "--name", "Cedar One", "--email", "team@cedar.example",
        "--timezone", "Europe/Oslo", "--next-steps", "We begin.")  # fmt: skip
    run("organization", "link-life", "one", "--kind", "quote", "--hours", "72")
    run("customer", "create", "one", "Pine Ltd", "--id", "P-1")
    run("contact", "add", "one", "P-1", "--name", "Pia", "--email", "pia@pine.example")
    file = tmp_path / "quote.json"
    content = content_for(MARIT, buyer={"name": "Pine Ltd"})
    file.write_text(content.model_dump_json(exclude_defaults=True))
    run("import", "one", str(file))
    run("document", "send", "one", "quote", "Q-2041", "--message", "As promised.", "--attach-pdf")
    run("sweep", tenant=None)
    (letter,) = stage.letters_to("pia@pine.example")
    assert "As promised." in letter.message.get_body(("plain",)).get_content()
    assert [part.get_content_type() for part in letter.message.iter_attachments()] == [
        "application/pdf"
    ]
    link = link_in(letter)
    assert link.startswith("https://cedar.example/i/")
    visitor = stage.visitor()
    assert visitor.post(f"{link}/ask", {"question": "Oiled?"}).status == 303
    run("document", "answer", "one", "quote", "Q-2041", "Yes.")
    run("quote", "extend", "one", "Q-2041", "2027-01-31")
    assert visitor.post(f"{link}/accept", {"name": "Pia", "revision": "2"}).status == 303
    run("sweep", tenant=None)
    receipt = visitor.get(link).tree.find_class("code")[0].text_content()
    assert "Everything holds" in run("receipt", "verify", receipt)
    shown = run("activity", "show", "one", "quote", "Q-2041")
    assert "approve_quote" in shown
    assert "whole" in run("activity", "verify")
    run("quote", "reverse", "one", "Q-2041", "--note", "By mistake")
    run("quote", "record", "one", "Q-2041", "declined", "--name", "Pia", "--note", "On the phone")
    run("document", "revoke", "one", "quote", "Q-2041")
    assert visitor.get(link).status == 404


def test_switching_a_customer_or_contact_off_and_on(both):
    _quote, link = both.acme.quote()
    for words in (["customer", "switch", "halden", MARIT.customer],
                  ["contact", "switch", "halden", MARIT.customer, MARIT.email.upper()]):  # fmt: skip
        assert both.command(*words, "off").exit_code == 0
        assert both.visitor().get(link).status == 404
        refused = both.command("document", "send", "halden", "quote", "Q-2041")
        assert refused.exit_code == 1
        assert both.command(*words, "on").exit_code == 0
        assert both.visitor().get(link).status == 200


def test_revoking_counts_what_it_revoked(both):
    quote, link = both.acme.quote()
    copied = both.acme.copy(quote)
    told = both.command("document", "revoke", "halden", "quote", "Q-2041")
    assert "2 links revoked" in told.output
    again = both.command("customer", "revoke-links", "halden", MARIT.customer)
    assert "0 links revoked" in again.output
    assert both.visitor().get(link).status == both.visitor().get(copied).status == 404


def test_a_name_changes_what_customers_read_next(both):
    _quote, link = both.acme.quote()
    assert both.command("organization", "set", "halden", "--name", "Halden & Sons").exit_code == 0
    assert "Halden & Sons" in both.visitor().get(link).text
    assert {one.name for one in both.acme.rows(Organization)} == {
        "Halden & Sons",
        "Brightwater of Acme",
    }


def test_a_link_is_shown_once_and_works(both):
    both.acme.document(MARIT, Kind.INVOICE)
    told = both.command("document", "link", "halden", "invoice", "INV-1007")
    assert both.visitor().get(told.output.strip()).heading == "INV-1007"
    shown = both.command("activity", "show", "halden", "invoice", "INV-1007")
    assert "issue_link" in shown.output
    assert told.output.strip().rpartition("/")[2] not in shown.output


def test_what_the_cast_consists_of(both):
    assert len(both.acme.rows(Customer)) == len(both.acme.rows(Contact)) == 3
    assert both.acme.rows(Document) == both.acme.rows(Decision) == []

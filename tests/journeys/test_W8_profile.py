"""W8: what is on file about a person, to read."""

from __future__ import annotations

from tests.cast import MARIT, OLAF


def test_the_outsider_is_sent_to_the_entrance(acme):
    answer = acme.stage.visitor().get(f"{acme.public_url}/customer-portal/profile")
    assert answer.status == 303
    assert "/customer-portal/login" in answer.location


def test_it_says_who_they_are_to_the_team_and_nothing_of_others(acme):
    browser = acme.account(MARIT)
    acme.execute(
        "UPDATE contacts SET role = 'Boat builder' WHERE email = :email", email=MARIT.email
    )
    for path in ("settings", "profile"):
        page = browser.get(f"{acme.public_url}/customer-portal/{path}")
        for said in (
            f"Name {MARIT.name} E-mail {MARIT.email} Role Boat builder Customer {MARIT.customer}",
            "This is managed by Halden of Acme.",
            "office@halden.example",
        ):
            assert said in page.text
        assert OLAF.customer not in page.text
    assert not [form for form in page.forms() if "profile" in form], "there is nothing to change"
    posted = browser.post(f"{acme.public_url}/customer-portal/profile", {"name": "Mallory"})
    assert posted.status in {403, 405}
    assert acme.contact(MARIT).name == MARIT.name

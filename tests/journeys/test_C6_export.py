"""C6: the log as a table: all that is shown, nothing that runs, and the taking of it is logged."""

from __future__ import annotations

import csv
import re
from io import StringIO

import pytest

from portico.db import unit_of_work
from portico.files import spreadsheets
from portico.records.activity import Activity, ActorKind
from portico.records.staff import Role
from portico.services import activity
from tests.cast import CHIYO, MARIT

FORMULAS = ("=1+1", "+SUM(A1)", "-cmd|'/c calc'!A1", "@now", "\t=1", "\r=1", '"=1+1', "  =1", "'=1",
            "＝1+1", "\u200b=1", "%0A=1", "|calc")  # fmt: skip


def _table(answer):
    text = answer.data.decode("utf-8")
    assert text.startswith("\ufeff")
    return list(csv.DictReader(StringIO(text[1:], newline="")))


def test_a_table_holds_what_the_page_shows_and_nothing_that_runs(both):
    acme = both.acme
    _quote, link = acme.quote()
    both.visitor("198.51.100.20", User_Agent="=HYPERLINK(1)").get(link)
    both.visitor("198.51.100.23").get(acme.mailed(acme.document(CHIYO), CHIYO))
    customer = acme.customer(MARIT)
    with acme.scope(), unit_of_work():
        for number, formula in enumerate(FORMULAS):
            activity.record(
                activity.Entry(
                    Activity.UPDATE_PROFILE, ActorKind.CUSTOMER, actor=formula,
                    organization_id=customer.organization_id, customer_id=customer.id,
                    details={"amount": -1250, "at": number},
                )
            )  # fmt: skip
    address = f"{acme.console}/activity/export.csv"
    assert acme.staff(Role.SALES).get(address).status == 403
    staff = acme.staff(Role.ACCOUNTANT)
    acme.log()
    answer = staff.get(address)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    name = re.fullmatch(r'attachment; filename="([\w.-]+)"', answer.headers["Content-Disposition"])
    assert name
    assert name[1] == "activity-halden-2026-11-12.csv"
    rows = _table(answer)
    assert [int(row["Row"]) for row in rows] == sorted(
        (row.id for row in acme.log() if row.organization_id == customer.organization_id
         and row.type != Activity.EXPORT_ACTIVITY), reverse=True
    )  # fmt: skip
    assert not any("198.51.100.23" in row["IP address"] for row in rows)
    for row in rows:
        for cell in row.values():
            assert not re.match(r"[\s\"\u200b]*[=+\-@|＝]|[\t\r]", cell) or cell.startswith("'")
    (viewed,) = (row for row in rows if row["User agent"].endswith("=HYPERLINK(1)"))
    assert viewed["User agent"] == "'=HYPERLINK(1)"
    assert (viewed["Type"], viewed["Document"], viewed["Actor"]) == (
        "view_quote", "Quote Q-2041", MARIT.name,
    )  # fmt: skip
    said = {row["Actor"] for row in rows if row["Type"] == "update_profile"}
    assert len(said) == len(FORMULAS)
    assert "amount: -1250; at: 3" in {row["Details"] for row in rows}
    # Narrowed down as the page is; and each taking stands in the log, with what was taken.
    narrow = _table(staff.get(f"{address}?what=view_quote&since=2026-11-12&q=marit"))
    assert [row["Type"] for row in narrow] == ["view_quote"]
    assert staff.get(f"{address}?since=tomorrow").status == 303
    taken = [row for row in acme.log() if row.type == Activity.EXPORT_ACTIVITY]
    assert [row.details.get("what") for row in taken] == [None, "view_quote"]
    assert taken[0].actor == "Accountant Nilsen"
    assert taken[0].ip == "203.0.113.7"


@pytest.mark.parametrize("number", ["0", "-1250", "+3.5", "1,250.00", "203.0.113.7", "-1.5"])
def test_numbers_stay_numbers(number):
    assert spreadsheets.cell(number) == number


@pytest.mark.parametrize("formula", [*FORMULAS, "-1+cmd", "\n=1"])
def test_what_could_run_is_made_plain(formula):
    plain = spreadsheets.cell(formula)
    assert re.sub(r"(?<=[\t\r\n])'", "", plain) == f"'{formula}" or formula.startswith("%0A")


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("before", ["Mozilla/5.0 (x;", "a; ", 'a;"', "a;\t", "+1\n", "1;2;"])
def test_a_program_that_cuts_at_semicolons_finds_nothing_that_runs(formula, before):
    line = spreadsheets.row(["7", before + formula, "end"])
    for separator in ",;\t":
        for cells in csv.reader(StringIO(line, newline=""), delimiter=separator):
            for cell in cells:
                assert not re.match(r"[\s\"\u200b]*[=+\-@|＝]", cell), (separator, cells)

"""I1, W1: projects from files, with tasks and hours; every fault with its place, all or nothing."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path

import pytest

from portico.records.content import Kind
from portico.records.project import (
    Deliverable,
    Milestone,
    Project,
    ProjectState,
    Task,
    TaskState,
    TimeEntry,
)
from portico.services import intake, projects
from portico.services.imports import portico_json
from portico.services.imports.outcome import Outcome
from portico.services.imports.refusals import BadFile
from portico.services.projects import ProjectFace
from tests.cast import CHIYO, MARIT, OLAF, content_for

DOCS = Path(__file__).resolve().parents[2] / "docs" / "import.md"
EXAMPLE = json.loads(re.findall(r"```json\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.S)[3])
SMALL = {"external_id": "P-1", "customer": {"name": MARIT.customer}, "name": "Boathouse"}
TASK = {"external_id": "T-1", "name": "Measure"}
TIME = {"external_id": "h-1", "worked_on": "2026-11-10", "person": "Nils", "minutes": 90}


def text(*values, **more):
    return json.dumps({"projects": list(values), **more}, indent=1).encode()


def bring(company, data, **options):
    with company.scope():
        return [one.outcome for one in intake.import_file(data, "halden", by="Kari", **options)]


def refused(company, data, **options):
    """What is said; and nothing was changed."""
    before = company.dump()
    with pytest.raises(BadFile) as refusal:
        bring(company, data, **options)
    assert company.dump() == before
    return [str(problem) for problem in refusal.value.problems]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"external_id": ""}, "projects[0].external_id: "),
        ({"name": None}, "projects[0].name: This must be text."),
        ({"name": "x" * 301}, "projects[0].name: This is longer than 300"),
        ({"customer": {}}, "projects[0].customer: Please name the customer"),
        ({"state": "over"}, "projects[0].state: This must be one of"),
        ({"colour": "red"}, "projects[0].colour: There is no field of this name."),
        ({"currency": "XXY"}, "projects[0].currency: “XXY” is not an ISO 4217"),
        ({"budget": "1.005"}, "projects[0].budget: “1.005” has more decimals than EUR knows."),
        ({"budget": "-1"}, "projects[0].budget: “-1” is not an amount"),
        ({"spent": -1}, "projects[0].spent: This must not be below zero."),
        ({"spent": 1.5}, "projects[0].spent: This must be a whole number of minor"),
        ({"starts_on": "1.2.26"}, "projects[0].starts_on: “1.2.26” is not a date"),
        ({"starts_on": "2026-02-02", "ends_on": "2026-02-01"}, "projects[0].ends_on: A project"),
        ({"tasks": [{"name": "x", "state": "late"}]}, "projects[0].tasks[0].state: "),
        ({"tasks": [TASK, TASK]}, "projects[0].tasks[1]: tasks[0] has the same id."),
        ({"time": [TIME | {"minutes": 0}]}, "projects[0].time[0].minutes: This must be a whole"),
        ({"time": [TIME | {"minutes": "90"}]}, "projects[0].time[0].minutes: This must be a whole"),
        ({"time": [{"minutes": 5}]}, "projects[0].time[0].external_id: This is missing."),
        ({"milestones": {}}, "projects[0].milestones: This must be a list."),
        ({"deliverables": [1]}, "projects[0].deliverables[0]: This must be an object."),
    ],
)
def test_a_fault_is_named_with_its_place(changes, said):
    with pytest.raises(BadFile) as refusal:
        portico_json.read_all(text(SMALL | changes))
    first = refusal.value.problems[0]
    assert str(first).partition(", ")[2].startswith(said)
    assert first.line


def test_the_example_in_the_handbook_is_taken_once_and_changed_when_asked(both):
    acme = both.acme
    acme.execute("UPDATE customers SET external_id = 'C-1001' WHERE name = 'Fjordhus AS'")
    data = json.dumps(EXAMPLE).encode()
    assert bring(acme, data) == [Outcome.ADDED]
    assert bring(acme, data) == [Outcome.UNCHANGED]
    (project,) = acme.rows(Project)
    facts = (project.external_id, project.state, project.budget, project.spent, project.shows_hours)
    assert facts == ("P-7", "active", 900_000, 450_000, True)
    assert project.customer_id == acme.customer(MARIT).id
    assert [one.name for one in acme.rows(Milestone)] == ["Wiring done"]
    assert [one.external_id for one in acme.rows(Deliverable)] == ["Plan of the wiring"]
    first, second = acme.rows(Task)
    assert (first.state, second.state, second.assignee) == ("done", "in_progress", "")
    worked, other = acme.rows(TimeEntry)
    assert (worked.minutes, worked.task_id, worked.is_billable) == (150, first.id, True)
    assert (other.task_id, other.is_billable) == (None, False)
    again = copy.deepcopy(EXAMPLE)
    (one,) = again["projects"]
    one["name"], one["tasks"] = "Lamps", [{"external_id": "T-2", "name": "Lamps", "state": "done"}]
    one["time"] = [TIME | {"task": "T-1"}]
    data = json.dumps(again).encode()
    (said,) = refused(acme, data)
    assert "There is already a project with the id “P-7”" in said
    with acme.scope():
        projects.add_task(project.id, "By hand", by="Kari")
    assert bring(acme, data, update=True) == [Outcome.REVISED]
    assert [one.name for one in acme.rows(Task)] == ["Draw the wiring", "Lamps", "By hand"]
    assert [(one.minutes, one.task_id) for one in acme.rows(TimeEntry)][-1] == (90, first.id)
    assert bring(acme, data) == [Outcome.UNCHANGED]


def test_what_a_file_leaves_out_stays_as_the_team_left_it(acme):
    more = {"tasks": [TASK], "budget": "10.00", "currency": "NOK", "starts_on": "2026-05-01"}
    bring(acme, text(SMALL | more))
    (project,), (task,) = acme.rows(Project), acme.rows(Task)
    with acme.scope():
        hidden = ProjectFace(is_shared_with_client=False, state=ProjectState.DONE)
        projects.change(project.id, hidden, by="Kari")
        projects.set_task(
            project.id, task.id, "Measure", by="Kari", assignee="Nils", state=TaskState.DONE,
            due_on=None,
        )  # fmt: skip
    lean = SMALL | {"tasks": [TASK]}
    assert bring(acme, text(lean)) == [Outcome.UNCHANGED]
    assert bring(acme, text(lean | {"time": [TIME]}), update=True) == [Outcome.REVISED]
    (project,), (task,) = acme.rows(Project), acme.rows(Task)
    assert (project.is_shared_with_client, project.state) == (False, "done")
    assert (project.budget, project.currency) == (1000, "NOK")
    assert (task.state, task.assignee) == ("done", "Nils")
    for wrong, said in (
        ({"ends_on": "2026-04-01"}, "projects[0].ends_on: A project ends after it began."),
        ({"name": "a\ufffd"}, "projects[0].name: This contains characters"),
    ):
        assert said in refused(acme, text(lean | wrong), update=True)[0]


def test_all_or_nothing_and_nobody_elses(acme):
    fine = content_for(MARIT, Kind.INVOICE).model_dump(mode="json", exclude_defaults=True)
    for wrong, said in (
        ({"customer": {"name": CHIYO.customer}}, "[1].customer: No customer, or more than one"),
        ({"customer": {"name": "Nobody"}}, "[1].customer: No customer, or more than one"),
        ({"time": [TIME | {"task": "T-9"}]}, "[1].time[0].task: The project has no task"),
        ({"name": "a\ufffd"}, "[1].name: This contains characters that cannot be shown."),
        ({"tasks": [TASK | {"assignee": "\u202e"}]}, "[1].tasks[0].assignee: This contains"),
        ({"description": "\x01"}, "[1].description: This contains"),
        ({"external_id": "P-1"}, "[1]: projects[0] has the same id."),
    ):
        other = SMALL | {"external_id": "P-2"} | wrong
        (problem,) = refused(acme, text(SMALL, other, documents=[fine]))
        assert f"projects{said}" in problem
    with acme.scope():
        customer = acme.customer(OLAF)
        projects.create(
            customer.organization_id, customer.id, ProjectFace(name="Olaf's"), by="Kari",
            external_id="P-1",
        )  # fmt: skip
    (problem,) = refused(acme, text(SMALL), update=True)
    assert "belongs to another customer than Fjordhus AS" in problem
    for odd in (b'{"projects": {}}', b'{"projects": []}', b'{"projects": [], "x": []}',
                b'{"projects": [1]}', b'{"projects": [{}]}'):  # fmt: skip
        refused(acme, odd)
    mixed = text(SMALL | {"external_id": " P-3 ", "tasks": [TASK]}, documents=[fine])
    assert bring(acme, mixed) == [Outcome.ADDED, Outcome.ADDED]

"""Files sent up in the same moment: the limit holds, what is over it leaves no bytes, and nobody
waits for somebody who waits for them."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from portico.records.file import StoredFile
from portico.records.project import Comment
from portico.refusals import BadInput
from portico.services import files, projects
from portico.services.files import Place
from tests.cast import MARIT
from tests.journeys.test_W1_projects import make

AT_ONCE, MOST = 6, 2


def test_files_and_words_come_one_after_another(both, monkeypatch):
    company = both.acme
    project = make(company)
    customer = company.customer(MARIT)
    library = Place(customer.organization_id, customer.id)
    within = Place(customer.organization_id, customer.id, project)

    def at_once(deeds):
        ready = Barrier(len(deeds))

        def do(deed):
            with company.scope():
                ready.wait(10)
                deed()

        with ThreadPoolExecutor(len(deeds)) as pool:
            return [one.exception(60) for one in [pool.submit(do, deed) for deed in deeds]]

    def send(number, place, shared=False):
        source = io.BytesIO(b"oak")
        return lambda: files.take_in(source, f"{number}.txt", place, by="Kari", shared=shared)

    def say(number):
        return lambda: projects.comment_by_staff(project, f"No {number}", by="Kari")

    with monkeypatch.context() as few:
        few.setattr(files, "MOST_PER_CUSTOMER", MOST)
        outcomes = at_once([send(number, library) for number in range(AT_ONCE)])
    assert [outcome is None for outcome in outcomes].count(True) == MOST
    assert {type(outcome) for outcome in outcomes if outcome} == {BadInput}
    kept = {path.name for path in (both.folder / "files").rglob("*") if path.is_file()}
    assert kept == {one.storage_key for one in company.rows(StoredFile)}

    # Shared files and comments touch the same project, and the same log.
    talk = [say(number) for number in range(AT_ONCE)]
    shared = [send(number, within, shared=True) for number in range(AT_ONCE)]
    assert not any(at_once(talk + shared))
    assert (len(company.rows(Comment)), len(company.rows(StoredFile))) == (AT_ONCE, MOST + AT_ONCE)

"""Files sent up in the same moment: the limit holds, and what is over it leaves no bytes."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from portico.records.file import StoredFile
from portico.refusals import BadInput
from portico.services import files
from portico.services.files import Place
from tests.cast import MARIT

AT_ONCE, MOST = 6, 2


def test_no_more_files_are_kept_than_a_customer_may_have(both, monkeypatch):
    company = both.acme
    customer = company.customer(MARIT)
    place = Place(customer.organization_id, customer.id)
    monkeypatch.setattr(files, "MOST_PER_CUSTOMER", MOST)
    ready = Barrier(AT_ONCE)

    def send(number):
        with company.scope():
            ready.wait(10)
            files.take_in(io.BytesIO(b"oak"), f"{number}.txt", place, by="Kari")

    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = [one.exception(60) for one in [pool.submit(send, n) for n in range(AT_ONCE)]]
    assert [outcome is None for outcome in outcomes].count(True) == MOST
    assert {type(outcome) for outcome in outcomes if outcome} == {BadInput}
    kept = {path.name for path in (both.folder / "files").rglob("*") if path.is_file()}
    assert kept == {one.storage_key for one in company.rows(StoredFile)}

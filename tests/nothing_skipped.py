"""Says what was not tested, and why; with ``PORTICO_NOTHING_SKIPPED=1`` that is a failure.

A machine without Chromium may run the rest, but where a release is judged, a skipped test is
an untested promise.
"""

from __future__ import annotations

import os
from collections import defaultdict

import pytest

_skipped = pytest.StashKey[dict[str, str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_skipped] = {}
    config.pluginmanager.register(_Watcher(config), "nothing-skipped")


class _Watcher:
    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.strict = os.environ.get("PORTICO_NOTHING_SKIPPED", "") not in {"", "0"}

    @property
    def skipped(self) -> dict[str, str]:
        """Why, by test. Parallel workers report one skipped file each, so this is no list."""
        return self.config.stash[_skipped]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # An expected failure is reported as skipped, but it has run.
        if report.skipped and not hasattr(report, "wasxfail"):
            self.skipped[report.nodeid] = _reason(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self.skipped[report.nodeid] = _reason(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.strict and self.skipped and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self.skipped:
            return
        by_reason: dict[str, list[str]] = defaultdict(list)
        for test, why in sorted(self.skipped.items()):
            by_reason[why].append(test)
        title = "skipped, which is a failure here" if self.strict else "not tested here"
        terminalreporter.section(title, red=self.strict, yellow=not self.strict)
        for why, tests in sorted(by_reason.items()):
            terminalreporter.write_line(f"{why} ({len(tests)})")
            for test in tests if self.strict else ():
                terminalreporter.write_line(f"    {test}")


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    told = report.longrepr
    text = told[2] if isinstance(told, tuple) else str(told)
    return text.removeprefix("Skipped: ")

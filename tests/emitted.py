"""Every type of the ledger's vocabulary is emitted by some test: seen in each process, judged at the end of a full run.

A type that no test emits is a promise nobody ever saw kept. A run of some tests, or one in which tests fail, judges
nothing. With pytest-xdist each worker reports what the ledger wrote in it; the process that controls them decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from governance.ledger import LedgerEvent
    from governance.models import LedgerEntry

_KEY = "emitted_audit_types"
#: What was written, in this process and in the workers that it controls.
seen: set[str] = set()


@pytest.fixture(scope="session", autouse=True)
def _notice_events() -> Generator[None]:
    """Note the type of each event that the ledger's only writer wrote."""
    from governance import ledger

    original = ledger.append_many

    def append_many(events: Iterable[LedgerEvent]) -> list[LedgerEntry]:
        written = original(list(events))
        seen.update(entry.type for entry in written)
        return written

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger, "append_many", append_many)
        yield


def vocabulary() -> set[str]:
    """Every type there is."""
    from governance.policy.vocabulary import AuditType

    return {each.value for each in AuditType}


def is_full(config: pytest.Config) -> bool:
    """Whether every test was asked for."""
    chosen = (
        "keyword",
        "markexpr",
        "deselect",
        "ignore",
        "ignore_glob",
        "lf",
        "failedfirst",
        "collectonly",
        "stepwise",
    )
    everything = config.args_source is pytest.Config.ArgsSource.TESTPATHS or list(config.args) == ["tests"]
    return everything and not any(config.getoption(name, None) for name in chosen)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Take over what a worker saw."""
    seen.update(getattr(node, "workeroutput", {}).get(_KEY, ()))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Report from a worker; judge in the process that was started."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_KEY] = sorted(seen)
        return
    if exitstatus != pytest.ExitCode.OK or not is_full(session.config):
        return
    missing = sorted(vocabulary() - seen)
    if missing:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.section("types of the ledger that no test emitted", red=True)
            reporter.write_line(", ".join(missing))

"""The sockets that the workflow apps plug into; the kernel calls them and never imports an app."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from governance.models import DataSubject
from governance.policy.decide import Decision, Facts, PurposeFact, PurposeRule, Question
from governance.policy.principal import Principal


@dataclass(frozen=True, slots=True)
class Fragment:
    """SQL that an app adds to the one facts statement: columns, a LEFT JOIN on subject `s`, and its parameters.

    The parameters follow the order of placeholders in `join`.
    """

    columns: tuple[str, ...]
    join: str
    parameters: Sequence[Any]


class Lawfulness(Protocol):
    """May we use this person's data: the consent app's stage of the decision."""

    def fragment(self, purposes: Sequence[Any]) -> Fragment:
        """Name the columns and join that fetch this app's facts for these purposes (database UUIDs)."""
        ...

    def row(self, columns: Sequence[Any]) -> PurposeFact | None:
        """Read the fragment's columns of one row, as the driver gives them; None where the join found nothing."""
        ...

    def facts_as_of(self, subject_id: UUID, purpose: PurposeRule, moment: datetime) -> tuple[PurposeFact, ...]:
        """Rebuild what this app held about a person and a purpose at an earlier moment."""
        ...

    def decide(self, question: Question, facts: Facts, instant: datetime) -> Decision | None:
        """The stage itself, pure: facts in, decision out."""
        ...


@dataclass(frozen=True, slots=True)
class Chart:
    """Counts to be drawn as bars: one line a thing counted, in each the same series in the same order.

    `tones` says how each series is drawn: "accent", "grey", "pale" or "danger". Stacked bars share one line; others
    stand below each other.
    """

    title: str
    heading: str
    series: Sequence[str]
    tones: Sequence[str]
    lines: Sequence[tuple[str, Sequence[int]]]
    empty: str
    is_stacked: bool = True


@dataclass(frozen=True, slots=True)
class Panel:
    """One box on the console's home page: figures that link, or a list of what is due; and a chart beside it."""

    title: str
    rows: Sequence[Mapping[str, Any]]
    empty: str
    order: int = 100
    chart: Chart | None = None
    #: What a link below the rows says and where it leads, where the rows are the first of more.
    more: tuple[str, str] | None = None


class _Sockets:
    """What is plugged in. Filled once by AppConfig.ready(), read afterwards."""

    def __init__(self) -> None:
        self.lawfulness: Lawfulness | None = None
        self.work: dict[str, Callable[[], int]] = {}
        self.panels: list[Callable[[Principal, datetime], Panel]] = []
        self.erasure: list[Callable[[DataSubject], None]] = []
        self.personal_data: dict[str, Callable[[UUID], Mapping[str, Any]]] = {}
        self.files: list[Callable[[Collection[str]], Collection[str]]] = []
        self.restraints: list[Callable[[UUID], bool]] = []
        self.references: dict[str, Callable[[UUID], Sequence[str]]] = {}


sockets = _Sockets()


def register_lawfulness(lawfulness: Lawfulness) -> None:
    """Plug in the stage that knows consent."""
    sockets.lawfulness = lawfulness


def register_work(name: str, run: Callable[[], int]) -> None:
    """Plug in periodic work; the tick calls it and it answers how many things it did."""
    sockets.work[name] = run


def register_panel(panel: Callable[[Principal, datetime], Panel]) -> None:
    """Plug in a panel of the console's home page; it is told who looks, and at which moment."""
    if panel not in sockets.panels:
        sockets.panels.append(panel)


def register_erasure(erase: Callable[[DataSubject], None]) -> None:
    """Plug in what an app does, inside the same transaction, when a person is erased."""
    if erase not in sockets.erasure:
        sockets.erasure.append(erase)


def register_files(held: Callable[[Collection[str]], Collection[str]]) -> None:
    """Plug in which of these data keys (by id) still open a file that an app keeps: such a key is not destroyed yet."""
    if held not in sockets.files:
        sockets.files.append(held)


def register_restraint(restrains: Callable[[UUID], bool]) -> None:
    """Plug in whether the law keeps what a job is about to erase in connected systems; asked when a step is claimed."""
    if restrains not in sockets.restraints:
        sockets.restraints.append(restrains)


def register_personal_data(name: str, export: Callable[[UUID], Mapping[str, Any]]) -> None:
    """Plug in what an app itself holds about a person, for access requests."""
    sockets.personal_data[name] = export


def register_references(name: str, references: Callable[[UUID], Sequence[str]]) -> None:
    """Plug in the ledger references of what an app keeps for a person under keys of its own, such as requests."""
    sockets.references[name] = references

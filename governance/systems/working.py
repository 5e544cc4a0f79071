"""Does the work of one claimed step on its connected system, outside any transaction of ours; it records nothing.

Whatever a step needs comes from its job's rows: the approved plan, what earlier steps found, whom to look for. So a
repeated step does the same again, and the same again changes nothing.
"""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings

from governance import vault
from governance.catalogue import planning
from governance.catalogue.elements import CollectionRef
from governance.catalogue.planning import Node, Ownership, Plan, Reason
from governance.errors import Conflict, Erased, SystemRefused
from governance.fields import Scope, Sealed
from governance.keys import pseudonyms
from governance.models import System, SystemStep
from governance.policy.principal import worker
from governance.policy.vocabulary import RevealPurpose
from governance.systems import addresses
from governance.systems.sql import Located, Outcome, Status, Staying
from governance.vault import ErasedMark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from governance.systems.sql.system import SqlSystem

#: After so many rows read the claim is renewed.
_RENEW_ROWS: Final = 1_000
#: Before a statement the claim is renewed when this part of its lease is over; one statement has its own limit.
_RENEW_PART: Final = 4
_SEED: Final = "erasure.seed"


@dataclass(frozen=True, slots=True)
class Result:
    """What a step brings home: counts and codes in the open, everything personal sealed."""

    rows: int
    outcome: list[dict[str, Any]] = field(default_factory=list)
    found: Sealed | None = None
    collected: Sealed | None = None


def carry_out(step: SystemStep, renew: Callable[[SystemStep], None]) -> Result:
    """Do what the step says. Raises SystemUnavailable (try later), SystemRefused, Erased, LeaseLost."""
    with ExitStack() as stack:
        bench = Bench(step, stack, renew)
        return _WORK[SystemStep.Kind(step.kind)](bench)


@dataclass
class Bench:
    """One step with its tools laid out: the plan, the findings of the job, and open systems."""

    step: SystemStep
    stack: ExitStack
    renew: Callable[[SystemStep], None]
    _open: dict[Any, SqlSystem] = field(default_factory=dict)
    _places: dict[Any, str] = field(default_factory=dict)
    _kept_at: float = field(default_factory=time.monotonic)

    @cached_property
    def rows(self) -> list[SystemStep]:
        """Every locate step of the job, in the order they were queued."""
        located = SystemStep.objects.filter(job=self.step.job, kind=SystemStep.Kind.LOCATE)
        return list(located.select_related("system").defer("collected").order_by("pk"))

    @cached_property
    def plan(self) -> Plan:
        """The whole plan; the first step of the job carries it."""
        return planning.from_dict(self.rows[0].spec["plan"])

    @cached_property
    def node(self) -> Node:
        """The part of the plan that this step is."""
        return self.plan.node(CollectionRef(self.step.dataset, self.step.collection))

    @cached_property
    def told(self) -> list[tuple[SystemStep, dict[str, Any]]]:
        """The locate steps that found something so far, each with what it found and at which address."""
        done = [row for row in self.rows if row.found is not None]
        return list(zip(done, self._reveal([row.found for row in done]), strict=True))

    @cached_property
    def found(self) -> dict[CollectionRef, Located]:
        """What the locate steps found so far."""
        return {CollectionRef(row.dataset, row.collection): Located.from_dict(value) for row, value in self.told}

    @cached_property
    def identities(self) -> Mapping[str, list[str]]:
        """Whom to look for, by identity type."""
        return {} if self.step.seeds is None else self._reveal([self.step.seeds])[0]

    @cached_property
    def seed(self) -> bytes:
        """What masks are derived from: the job's own key, so that a repeated step writes the same."""
        return pseudonyms.pseudonym(self.scope, _SEED).encode()

    @property
    def scope(self) -> Scope:
        """The scope of everything this job finds."""
        return Scope(self.step.controller_id.hex, "request", self.step.job.hex)

    @property
    def own(self) -> Located:
        """What was found in the step's own collection."""
        at = self.node.at
        if at not in self.found:
            msg = f"{at} was not searched; make the plan again."
            raise SystemRefused(msg)
        located = self.found[at]
        if not self.is_later:
            return located
        return replace(located, rows=tuple(each.key for each in self.stayed), staying=self.stayed)

    @property
    def is_later(self) -> bool:
        """Whether this erases what a law kept: the request's own job is over, and only what stayed then is touched."""
        return self.step.kind == SystemStep.Kind.ERASE and "request" in self.step.spec

    @cached_property
    def stayed(self) -> tuple[Staying, ...]:
        """What stayed of the step's own collection when it was last erased."""
        told = self._reveal([self.step.found])[0] if self.step.found is not None else ()
        return tuple(map(Staying.from_dict, told))

    def system(self, dataset: str) -> SqlSystem:
        """Open the system that holds a dataset, once a step."""
        from governance.systems.sql.system import SqlSystem  # noqa: PLC0415  # loads SQLAlchemy

        system = self.homes[dataset]
        if system.pk not in self._open:
            address = self._address(system)
            self._require_same_place(system, addresses.place(address))
            self._open[system.pk] = self.stack.enter_context(SqlSystem(address, keep=self.keep_claim_in_time))
        return self._open[system.pk]

    def keep(self, located: Located) -> Sealed:
        """Seal what was found together with where: keys mean nothing in another database."""
        system = self.homes[self.node.at.dataset]
        return self.seal({**located.to_dict(), "place": self._places[system.pk]}, "step.found")

    def _require_same_place(self, system: System, place: str) -> None:
        if any(row.system_id == system.pk and value.get("place") != place for row, value in self.told):
            raise SystemRefused("The system's address has changed since it was searched; make the plan again.")
        self._places[system.pk] = place

    @cached_property
    def homes(self) -> dict[str, System]:
        """The systems of the job, by dataset."""
        return {row.dataset: row.system for row in self.rows}

    def seal(self, value: Any, label: str) -> Sealed:
        """Seal a finding under the job's own key."""
        # ASCII JSON: a database may hold text that no UTF-8 can carry (lone surrogates).
        return vault.seal(json.dumps(value), label=label, scope=self.scope)

    def keep_claim(self) -> None:
        """Renew the lease; raises LeaseLost."""
        self.renew(self.step)

    def keep_claim_in_time(self) -> None:
        """Renew the lease when a good part of it is over; called before every statement on a system."""
        now = time.monotonic()
        if now - self._kept_at >= settings.GOVERNANCE_STEP_LEASE_SECONDS / _RENEW_PART:
            self.keep_claim()
            self._kept_at = now

    def _address(self, system: System) -> str:
        if system.disabled_at is not None or system.url is None:
            raise SystemRefused("The system is disabled; make the plan again.")
        opened = vault.reveal(
            system.url,
            principal=worker(system.controller_id.hex),
            purpose=RevealPurpose.SYSTEM_CONNECTION,
            object_ref=f"system:{system.pk.hex}",
        )
        return str(opened)

    def _reveal(self, sealed: list[Sealed]) -> list[Any]:
        values = vault.reveal_many(
            sealed,
            principal=worker(self.step.controller_id.hex),
            purpose=RevealPurpose.SUBJECT_REQUEST,
            object_ref=self.step.object_ref,
        )
        if any(isinstance(value, ErasedMark) for value in values):
            raise Erased("The request was purged; nothing more can be done for it.")
        return [json.loads(str(value)) for value in values]


def _locate(bench: Bench) -> Result:
    _require_sources(bench)
    system = bench.system(bench.node.at.dataset)
    located = system.locate(bench.node, bench.identities, bench.found)
    notes: list[dict[str, Any]] = []
    if located.withheld:
        notes.append(_told("", "withheld", located.withheld, Reason.ANOTHER_PERSON))
    if located.co_owned:
        notes.append(_told("", "co_owned", len(located.co_owned), Reason.SHARED))
    if bench.node.ownership is Ownership.SHARED and located.rows:
        bench.found[bench.node.at] = located
        if shared := len(_shared_now(bench, bench.node)):
            notes.append(_told("", "shared", shared, Reason.SHARED))
    rows = len(located.rows) + len(located.co_owned)
    return Result(rows, notes, found=bench.keep(located))


def _require_sources(bench: Bench) -> None:
    """Refuse to call rows absent that could not be looked for: what they hang on was not searched."""
    failed = {CollectionRef(row.dataset, row.collection) for row in bench.rows if row.state == SystemStep.State.FAILED}
    sources = {each.source.home for each in bench.node.lookups if each.source}
    sources |= {source.home for guard in bench.node.guards for source in guard.sources}
    if failed & sources:
        raise SourceFailed("A collection that this one is found through could not be searched.")


class SourceFailed(Conflict):
    """A collection that another one is found through could not be searched."""

    code = "step.source_failed"


def _collect(bench: Bench) -> Result:
    node, located = bench.node, bench.own
    system = bench.system(node.at.dataset)
    rows = list(_renewing(bench, system.read(node, located.rows)))
    notes = [
        _told(name, "withheld", count, Reason.CREDENTIAL) for name, count in system.held(node, located.rows).items()
    ]
    return Result(len(rows), notes, collected=bench.seal(rows, "step.collected"))


def _renewing(bench: Bench, rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for number, row in enumerate(rows, 1):
        if number % _RENEW_ROWS == 0:
            bench.keep_claim()
        yield row


def _erase(bench: Bench) -> Result:
    """1. who else needs the rows, now; 2. erase in one transaction; 3. look again; 4. how it ended; 5. what waits."""
    node, located = bench.node, bench.own
    system = bench.system(node.at.dataset)
    shared = _shared_now(bench, node) if node.ownership is Ownership.SHARED else set()  # (1)
    alone = replace(located, rows=tuple(key for key in located.rows if key not in shared))
    unlink = _unlinks(bench)
    instant = datetime.fromisoformat(bench.step.spec["instant"])
    bench.keep_claim()
    ends = system.erase(node, alone, seed=bench.seed, instant=instant, unlink=unlink)  # (2)
    bench.keep_claim()
    left = system.still_there(node, alone, seed=bench.seed, instant=instant, unlink=unlink)  # (3)
    told = list(_told_ends(ends, left, shared=len(shared)))  # (4)
    result = Result(len(alone.rows) + len(alone.co_owned), told)
    if not bench.is_later and not any(each.get("soonest") for each in told):
        return result
    stays = system.staying(node, alone, seed=bench.seed, instant=instant)  # (5)
    return replace(result, found=bench.seal([each.to_dict() for each in stays], "step.found"))


def _shared_now(bench: Bench, node: Node) -> set[Any]:
    """Name the rows that somebody else needs. Our own rows never count, so erasing them does not change the answer."""
    home = bench.homes[node.at.dataset]
    datasets = {dataset for dataset, system in bench.homes.items() if system.pk == home.pk}
    owners = bench.system(node.at.dataset).other_owners(
        node, bench.found[node.at], plan=bench.plan, found=bench.found, datasets=datasets
    )
    return {key for key, count in owners.items() if count}


def _unlinks(bench: Bench) -> dict[str, tuple[Any, ...]]:
    """Give, per field of the step's collection, the values that point at rows other people need."""
    cut: dict[str, tuple[Any, ...]] = {}
    for node in bench.plan:
        fields = [each for each in node.referrers if each.at.home == bench.node.at]
        if node.ownership is not Ownership.SHARED or not fields or node.at not in bench.found:
            continue
        kept = tuple(_shared_now(bench, node))
        targets = bench.system(node.at.dataset).targets(node, kept) if kept else {}
        for each in fields if kept else ():
            cut[each.at.field] = (*cut.get(each.at.field, ()), *targets[each.target])
    return cut


def _told_ends(ends: Mapping[str, tuple[Outcome, ...]], left: list[str], *, shared: int) -> Iterator[dict[str, Any]]:
    for name, outcomes in ends.items():
        if name in left:
            # Seen with our own eyes after the commit: something wrote it back, or the database kept it.
            yield _told(name, Status.FAILED, max(1, sum(each.count for each in outcomes)), "step.residue")
            continue
        for each in outcomes:
            if each.count or not shared:
                told = _told(name, each.status, each.count, each.reason, each.until)
                yield told | ({"soonest": each.soonest} if each.soonest else {})
        if shared:
            yield _told(name, Status.RETAINED, shared, Reason.SHARED)


def _told(name: str, outcome: str, rows: int, reason: str = "", until: str | None = None) -> dict[str, Any]:
    return {"field": name, "outcome": str(outcome), "rows": rows, "reason": str(reason), "until": until}


_WORK: Final[dict[SystemStep.Kind, Callable[[Bench], Result]]] = {
    SystemStep.Kind.LOCATE: _locate,
    SystemStep.Kind.COLLECT: _collect,
    SystemStep.Kind.ERASE: _erase,
}

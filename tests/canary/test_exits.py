"""The canaries go through everything there is, and no exit shows one of them: not before the erasure, not after it."""

from __future__ import annotations

import http.client
import logging
from datetime import timedelta
from email.header import decode_header, make_header
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import time_machine
from django.conf import settings as configured
from django.core import mail
from django.core.management import call_command
from django.db import connection, reset_queries
from django.http import HttpResponse
from django.utils import timezone
from kombu import Connection

from config import broker
from config.logging import logging_config
from dsar.models import SubjectRequest
from governance.models import DataKey, DataSubject, Erasure
from governance.subjects.registering import scope_of
from governance.tasks import tick, work_once
from governance.vault import trying
from tests.canary import exits
from tests.canary.caller import unzipped
from tests.canary.canaries import Canaries
from tests.canary.exits import Exit
from tests.canary.story import Story
from tests.dsar.conftest import fresh
from tests.governance.alarms.test_telling import Receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django.fixtures import SettingsWrapper

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.enable_socket]

#: Tables that must hold something when they are searched: an empty one proves nothing.
MET = {
    "consent_consentevent",
    "consent_consentstate",
    "consent_contact",
    "django_session",
    "dsar_packagepart",
    "dsar_requestright",
    "dsar_subjectrequest",
    "governance_addressproof",
    "governance_alert",
    "governance_alertacknowledgement",
    "governance_alertdelivery",
    "governance_blindindex",
    "governance_changelogentry",
    "governance_decisionsample",
    "governance_idempotencyrecord",
    "governance_incident",
    "governance_incidententry",
    "governance_incidentsubject",
    "governance_ledgerentry",
    "governance_ledgerleaf",
    "governance_outboxevent",
    "governance_outgoingmessage",
    "governance_subjectidentifier",
    "governance_vaulttoken",
}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def said() -> Iterator[StringIO]:
    """Everything that is logged at DEBUG, as an installation writes it."""
    said = StringIO()
    logging_config("DEBUG")
    (handler,) = logging.getLogger().handlers
    handler.setStream(said)  # type: ignore[attr-defined]
    yield said
    logging_config("WARNING")


class Search:
    """Every exit, and what is found there."""

    def __init__(self, story: Story, receiver: Receiver, said: StringIO) -> None:
        self.story, self.receiver, self.said, self.told = story, receiver, said, StringIO()
        self.folder = story.folder / "out"
        self.folder.mkdir()
        self.copy = story.folder / "copy"
        handed = story.handed
        self.exits = [
            Exit("rows", exits.rows, exits.plant_row),
            Exit("database on disk", exits.stored, exits.plant_row, ("staff",)),
            Exit("backup", lambda: exits.backup(self.copy), self._plant_in_copy, ("staff",)),
            Exit("dumpdata", exits.dumped, exits.plant_session),
            Exit("cache", exits.cached, exits.plant_in_cache),
            Exit("logs", lambda: said.getvalue().encode(), lambda leak: logging.getLogger("x").debug("of %s", leak)),
            Exit("statements", lambda: str(connection.queries).encode(), run_statement, ("staff",)),
            Exit("headers and links", story.heads, lambda leak: story.caller().get("/privacy", {"who": leak})),
            Exit("answers to errors", story.errors, lambda leak: story.answers.append(HttpResponse(leak, status=500))),
            Exit("handed out", lambda: "\n".join(handed).encode(), handed.append),
            Exit("mail", letters, lambda leak: mail.send_mail(leak, "", None, ["x@y.example"])),
            Exit("posts", lambda: posts(receiver), self._post),
            Exit("output of commands", lambda: self.told.getvalue().encode(), self.told.write),
            exits.of_files("files", self.folder),
        ]

    def leaks(self) -> dict[str, list[str]]:
        found = {each.name: self.story.canaries.found_in(each.read(), each.allowed) for each in self.exits}
        return {name: leaks for name, leaks in found.items() if leaks}

    def blind(self) -> list[str]:
        """Plant a name at each exit; answers where it was not found."""
        who = self.story.canaries
        missed = []
        for each in self.exits:
            with exits.unplanted():
                each.plant(who.name)
                if not who.found_in(each.read(), set(who.all()) - {"name"}):
                    missed.append(each.name)
        return missed

    def _plant_in_copy(self, leak: str) -> None:
        exits.plant_row(leak)
        self.copy.unlink()
        self.command("backup", str(self.copy))

    def _post(self, leak: str) -> None:
        line = http.client.HTTPConnection("127.0.0.1", self.receiver.port)
        line.request("POST", "/", body=leak.encode())
        line.getresponse()
        line.close()

    def command(self, name: str, *arguments: str, **options: object) -> None:
        call_command(name, *arguments, stdout=self.told, stderr=self.told, **options)


def run_statement(leak: str) -> None:
    connection.force_debug_cursor = True
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s", [leak])


def letters() -> bytes:
    """Every header of every letter but To, and what is written to staff."""
    found = []
    for letter in mail.outbox:
        heads = [(name, value) for name, value in letter.message().items() if name != "To"]
        found += [f"{name}: {make_header(decode_header(str(value)))}" for name, value in heads]
        found += [letter.body] if letter.to[0].endswith("@staff.example") else []
    return "\n".join(found).encode()


def posts(receiver: Receiver) -> bytes:
    """Every header and body that the system for alarms was sent."""
    return b"\n".join(str(headers).encode() + body for headers, body in receiver.got)


def file_copies(search: Search, folder: Path) -> None:
    """Everything that operators take out as files."""
    search.command("export_ledger", str(folder / "ledger"))
    search.command("export_audit", to="file", path=folder / "events.jsonl")
    (folder / "broker").mkdir()
    messages = str(folder / "broker")
    where = {"data_folder_in": messages, "data_folder_out": messages, "control_folder": messages}
    with Connection(broker.URL, transport_options=where) as line:
        tick.apply_async(connection=line)
    erasures = Path(configured.GOVERNANCE_ERASURE_LEDGER)
    for file in erasures.parent.glob(f"{erasures.name}*"):
        (folder / file.name).write_bytes(file.read_bytes())
    names = {each.name for each in folder.rglob("*") if each.is_file()}
    assert {"checkpoint", "events.jsonl", erasures.name} <= names
    assert list((folder / "broker").glob("*.msg"))


def require_gone(person: DataSubject) -> None:
    """Require that no key of the person is left, and that nothing of theirs opens."""
    assert not DataKey.objects.filter(scope_id=person.pk).exclude(wrapped=None).exists()
    assert sum(each.opened for each in trying.try_all(scope_of(person))) == 0


def before_the_end(story: Story, receiver: Receiver) -> SubjectRequest:
    """Everything but the erasure, which is asked for and held; statements with sealed values are kept as at DEBUG."""
    reset_queries()
    connection.force_debug_cursor = True
    story.register()
    story.consent()
    story.vault()
    connection.force_debug_cursor = False
    story.refusals()
    story.requests()
    held = story.portal()
    story.alarm(receiver.url)
    story.glass()
    story.breach()
    return held


def break_down(story: Story, patch: pytest.MonkeyPatch) -> None:
    """Let each door fail inside, with an error that quotes somebody's data as those of drivers do."""
    who = story.canaries

    def fail(*_args: object, **_kwargs: object) -> None:
        msg = f"Failing row contains ({who.name}, {who.text}, {who.number})."
        raise RuntimeError(msg)

    patch.setattr("governance.ledger.append_many", fail)
    assert set(story.break_down()) == {500}


def to_the_end(story: Story, held: SubjectRequest) -> bytes:
    """The erasure, its answer and its proofs, and the purge of all requests; answers the evidence."""
    assert story.canaries.name in unzipped(story.answer(held)).decode()  # the person, and nobody else, gets it
    evidence = story.evidence(fresh(held))
    story.handed.append(Erasure.objects.get().certificate)
    assert "certificate-of-destruction" in story.handed[-1]
    for days in (45, 90, 135):  # they lapse or are closed, and are purged
        with time_machine.travel(timezone.now() + timedelta(days=days)):
            work_once()
    assert not SubjectRequest.objects.filter(purged_at=None).exists()
    return evidence


def test_no_exit_shows_anybody(
    tmp_path: Path, receiver: Receiver, said: StringIO, monkeypatch: pytest.MonkeyPatch, settings: SettingsWrapper
) -> None:
    settings.GOVERNANCE_DECISION_SAMPLE = 1
    story = Story(Canaries(), tmp_path)
    search = Search(story, receiver, said)
    held = before_the_end(story, receiver)
    with monkeypatch.context() as patch:
        break_down(story, patch)
    for command in ("rotate_index_keys", "rotate_keys", "coverage"):
        search.command(command)
    search.command("backup", str(search.copy))
    assert MET & exits.empty_tables() == set()
    assert search.leaks() == {}

    (search.folder / "evidence").write_bytes(to_the_end(story, held))
    file_copies(search, search.folder)
    for command in ("verify_audit", "coverage"):
        search.command(command)
    require_gone(story.person)
    assert search.leaks() == {}

    search.command("restore", str(search.copy))
    require_gone(story.person)
    assert search.leaks() == {}
    assert search.blind() == []  # and each of these searches can fail

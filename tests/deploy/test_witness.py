"""The witness as a process of its own: it cosigns what extends the past and no more; a restored backup shows."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from datetime import timedelta
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import urllib3
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from deploy.witness.__main__ import State, Witness, signers_of
from governance.audit import checkpoint, cosigned, proving, trust, watching, witnessing
from governance.audit.report import Kind
from governance.audit.sequencer import sequence
from governance.audit.verify import verify
from governance.crypto.checkpoints import Checkpoint
from governance.crypto.errors import NoteRefused
from governance.crypto.notes import Verifier, opened_note, signed_note
from governance.crypto.policies import Policy
from governance.crypto.signatures import SignatureType, Signer
from governance.keys import signing
from governance.models import (
    LedgerCheckpoint,
    LedgerCosignature,
    LedgerEntry,
    LedgerLeaf,
    LedgerPending,
    LedgerTile,
    WitnessState,
)
from tests.governance.audit.test_sequencer import fill
from tests.superuser import unchecked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.flow]

PROJECT = Path(__file__).resolve().parents[2]


class Process:
    """A running witness with its files."""

    def __init__(self, folder: Path) -> None:
        self.keys, self.logs, self.state = folder / "keys", folder / "logs", folder / "state"
        self.logs.write_text(trust.text())
        made = self._run("keygen", "witness.example/w", str(self.keys))
        self.lines = made.communicate(timeout=30)[0]
        self.process: subprocess.Popen[str] | None = None
        self.url = ""

    def start(self) -> None:
        files = ("--keys", str(self.keys), "--logs", str(self.logs), "--state", str(self.state))
        self.process = self._run("serve", *files, "--listen", self.url.removeprefix("http://") or "127.0.0.1:0")
        said = self.process.stdout.readline()
        self.url = f"http://{said.removeprefix('listening on ').strip()}"

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.communicate(timeout=30)

    def policy(self) -> str:
        """What an operator writes from the lines of keygen."""
        text = re.sub(r"http://HOST:PORT/", self.url, self.lines)
        names = [line.split(" ")[1] for line in text.splitlines()]
        return f"{text}group all-of-it all {' '.join(names)}\nquorum all-of-it\n"

    @staticmethod
    def _run(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "deploy.witness", *arguments]
        return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


@pytest.fixture
def witness(tmp_path: Path, settings: Any) -> Iterator[Process]:
    running = Process(tmp_path)
    running.start()
    path = tmp_path / "policy"
    path.write_text(running.policy())
    settings.GOVERNANCE_WITNESS_POLICY = str(path)
    yield running
    running.kill()


def grow(count: int = 3) -> LedgerCheckpoint:
    fill(count)
    while sequence():
        pass
    head = proving.latest_checkpoint()
    assert head is not None
    return head


def now_due() -> None:
    """Whoever failed is asked again only after a while; let that while be over."""
    WitnessState.objects.update(next_at=None)


def test_each_new_checkpoint_is_cosigned_with_both_kinds_of_key(witness: Process) -> None:
    for count in (3, 300, 1):
        head = grow(count)
        assert witnessing.submit_due() == 1
        assert witnessing.submit_due() == 0  # there is nothing new
        row = WitnessState.objects.get()
        assert (row.state, row.size, row.failures) == ("cosigned", head.size, 0)
    proof = proving.receipt(LedgerLeaf.objects.get(position=5).entry_id)
    policy = trust.policy()
    assert proof.verify(proof.extra or b"", policy.open).size == 304
    _text, vouched = opened_note(proof.note, [each.verifier for each in policy.witnesses.values()])
    assert {verifier.type.name for verifier in vouched} == {"COSIGNATURE_ED25519", "COSIGNATURE_ML_DSA_44"}
    with pytest.raises(NoteRefused, match="witnesses"):
        policy.open(head.note)  # our own signatures are no quorum
    assert verify().is_ok
    assert watching.alarms() == []


def test_a_restored_backup_shows_as_a_conflict(witness: Process) -> None:
    grow(3)
    witnessing.submit_due()
    back_up = backup()
    grow(4)
    assert witnessing.submit_due() == 1
    back_up()
    assert verify().is_ok  # nothing inside can tell
    assert WitnessState.objects.get().size == 3
    grow(1)
    assert witnessing.submit_due() == 0
    row = WitnessState.objects.get()
    assert (row.state, row.conflict_size) == ("conflict", 7)
    (problem,) = verify().problems
    assert (problem.kind, problem.index, problem.last) == (Kind.WITNESS_CONFLICT, 4, 6)
    assert witness.url in problem.detail
    event = LedgerEntry.objects.get(type="witness.conflict")
    assert json.loads(event.payload)["details"] == {"held": 7, "size": 4}
    assert Client().get("/readyz").json()["alarms"] == ["witness.conflict"]
    assert watching.alarms()[0].where == witness.url
    # Growing beyond what the witness holds hides nothing: its tree is not the beginning of ours.
    grow(9)
    now_due()
    assert witnessing.submit_due() == 0
    assert WitnessState.objects.get().state == "conflict"
    assert LedgerEntry.objects.filter(type="witness.conflict").count() == 1


def backup() -> Callable[[], None]:
    """Copy the database and answer how to restore the copy."""
    if connection.vendor == "sqlite":
        import sqlite3

        copy = sqlite3.connect(":memory:")
        connection.ensure_connection()
        connection.connection.backup(copy)
        return lambda: copy.backup(connection.connection)
    kept = {model: list(model.objects.all()) for model in (WitnessState, LedgerPending)}
    size = LedgerCheckpoint.objects.latest("size").size

    def restore() -> None:
        with unchecked(connection):
            newer = list(LedgerLeaf.objects.filter(position__gte=size).values_list("entry_id", flat=True))
            LedgerLeaf.objects.filter(position__gte=size).delete()
            LedgerEntry.objects.filter(pk__in=newer).delete()
            LedgerCheckpoint.objects.filter(size__gt=size).delete()
            LedgerCosignature.objects.filter(size__gt=size).delete()
            LedgerTile.objects.filter(number__gte=size // 256).delete()
            for model, rows in kept.items():
                model.objects.all().delete()
                model.objects.bulk_create(rows)

    return restore


def test_a_killed_witness_remembers_what_it_cosigned(witness: Process) -> None:
    grow()
    witnessing.submit_due()
    witness.kill()
    head = grow()
    assert witnessing.submit_due() == 0
    row = WitnessState.objects.get()
    assert (row.state, row.size, row.failures) == ("unreachable", 3, 1)
    assert row.next_at > timezone.now()
    assert witnessing.submit_due() == 0  # it is left alone for a while
    assert WitnessState.objects.get().failures == 1
    witness.start()
    asked = urllib3.request("POST", f"{witness.url}/add-checkpoint", body=f"old 0\n\n{head.note}".encode())
    assert (asked.status, asked.data, asked.headers["Content-Type"]) == (409, b"3\n", "text/x.tlog.size")
    now_due()
    assert witnessing.submit_due() == 1


def test_we_go_on_from_where_the_witness_is_when_our_own_row_is_lost(witness: Process) -> None:
    grow()
    witnessing.submit_due()
    WitnessState.objects.all().delete()
    grow()
    assert witnessing.submit_due() == 1
    assert verify().is_ok


def test_a_silent_witness_raises_an_alarm_after_a_while(witness: Process) -> None:
    witness.kill()
    grow()
    for _ in range(5):
        assert watching.alarms() == []
        now_due()
        witnessing.submit_due()
    assert [alarm.code for alarm in watching.alarms()] == ["witness.unreachable"]


def test_an_event_that_waits_too_long_raises_an_alarm(settings: Any) -> None:
    grow()
    fill(1)
    assert watching.alarms() == []
    late = timezone.now() + timedelta(seconds=settings.GOVERNANCE_LEDGER_LATE_SECONDS + 1)
    assert [alarm.code for alarm in watching.alarms(late)] == ["ledger.late"]
    settings.GOVERNANCE_LEDGER_LATE_SECONDS = -1
    assert Client().get("/readyz").json()["alarms"] == ["ledger.late"]
    sequence()
    assert Client().get("/readyz").json()["alarms"] == []


def test_a_false_cosignature_is_not_kept_and_one_put_into_the_table_is_named(witness: Process, tmp_path: Path) -> None:
    witness.kill()
    witness.keys.unlink()
    Process._run("keygen", "witness.example/w", str(witness.keys)).communicate(timeout=30)  # noqa: SLF001  # other keys
    witness.start()
    head = grow()
    assert witnessing.submit_due() == 0
    assert WitnessState.objects.get().state == "refused"
    assert not LedgerCosignature.objects.exists()
    stranger = Signer("witness.example/w", b"\1" * 32, SignatureType.COSIGNATURE_ED25519)
    line = stranger.line(Checkpoint(signing.origin(), 3, bytes(head.root)).text, at=1)
    LedgerCosignature.objects.create(size=3, witness=witness.url, lines=line, created_at=timezone.now())
    assert [problem.kind for problem in verify().problems] == [Kind.COSIGNATURE_FORGED]


def test_a_witness_with_new_keys_signs_the_same_checkpoint_again(witness: Process, settings: Any) -> None:
    """Nothing new comes into the ledger meanwhile: what the old keys signed must not look forged for ever."""
    grow()
    assert witnessing.submit_due() == 1
    witness.kill()
    witness.keys.unlink()
    witness.lines = Process._run("keygen", "witness.example/w", str(witness.keys)).communicate(timeout=30)[0]  # noqa: SLF001  # new keys
    witness.start()
    Path(settings.GOVERNANCE_WITNESS_POLICY).write_text(witness.policy())
    assert [problem.kind for problem in verify().problems] == [Kind.COSIGNATURE_FORGED]
    assert verify(late_after=timedelta(seconds=-1)).unwitnessed == 3
    assert witnessing.submit_due() == 1
    assert witnessing.submit_due() == 0
    assert (LedgerCosignature.objects.count(), LedgerCheckpoint.objects.count()) == (2, 1)
    report = verify(late_after=timedelta(seconds=-1))
    assert (report.problems, report.unwitnessed) == ((), None)
    trust.policy().open(cosigned.note(3, LedgerCheckpoint.objects.get().note))


def test_what_the_quorum_did_not_cosign_has_an_exit_code_of_its_own(witness: Process, settings: Any) -> None:
    settings.GOVERNANCE_LEDGER_LATE_SECONDS = 0
    grow()
    assert verify(late_after=timedelta(minutes=15)).unwitnessed is None  # it may still come
    with pytest.raises(CommandError, match="size 3 lacks the quorum") as refused:
        call_command("verify_audit", stdout=StringIO())
    assert refused.value.returncode == 3
    assert witnessing.submit_due() == 1
    call_command("verify_audit", stdout=StringIO())
    stranger = Signer("witness.example/w", b"\1" * 32, SignatureType.COSIGNATURE_ED25519)
    grow()
    head = LedgerCheckpoint.objects.latest("size")
    line = stranger.line(checkpoint.opened(head.note).text, at=1)
    LedgerCosignature.objects.create(size=6, witness="https://else.example/", lines=line, created_at=timezone.now())
    assert verify(late_after=timedelta(seconds=-1)).unwitnessed == 6
    settings.GOVERNANCE_WITNESS_POLICY = ""
    call_command("verify_audit", stdout=StringIO())  # nobody is asked for, so nobody is missing


# --- Witnesses of other people --------------------------------------------------------------------------------------

FOREIGN = [
    Signer("foreign.example/w", b"\5" * 32, SignatureType.COSIGNATURE_ED25519),
    Signer("foreign.example/w", b"\6" * 32, SignatureType.COSIGNATURE_ML_DSA_44),
]


@pytest.fixture
def foreign(tmp_path: Path, settings: Any) -> Iterator[Callable[[Any], None]]:
    """A witness that answers as it is told; told a function from old size and note."""
    said: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            head, _, note = self.rfile.read(int(self.headers["Content-Length"])).decode().partition("\n\n")
            status, type_, text = said[-1](int(head.split("\n")[0].removeprefix("old ")), note)
            self.send_response(status)
            self.send_header("Content-Type", type_)
            self.end_headers()
            with suppress(OSError):  # whoever asked has read enough
                self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/some/prefix/"
    lines = "".join(
        f"witness {name} {signer.verifier.vkey} {url}\n" for name, signer in zip("ab", FOREIGN, strict=True)
    )
    path = tmp_path / "foreign"
    path.write_text(f"{lines}quorum a\n")
    settings.GOVERNANCE_WITNESS_POLICY = str(path)
    yield said.append
    server.shutdown()
    server.server_close()


def cosigning(_old: int, note: str) -> tuple[int, str, str]:
    """Its own lines among those of keys that nobody here knows."""
    text, _ = note.split("\n\n")
    strangers = [Signer("foreign.example/w", bytes([byte]) * 32, FOREIGN[0].type) for byte in (7, 8)]
    signers = [strangers[0], *FOREIGN, strangers[1]]
    return 200, "text/plain", "".join(signer.line(f"{text}\n", at=1) for signer in signers)


def test_of_a_foreign_answer_only_the_lines_of_known_keys_are_kept(foreign: Callable[[Any], None]) -> None:
    foreign(cosigning)
    head = grow()
    assert witnessing.submit_due() == 1
    note = cosigned.note(3, head.note)
    assert len(note.split("\n\n")[1].splitlines()) == 4  # two of the ledger, two of the witness
    trust.policy().open(note)


def test_a_receipt_stands_under_a_head_that_our_own_policy_believes(foreign: Callable[[Any], None]) -> None:
    """A newer head that no witness has seen yet proves nothing to who verifies with the keys that we publish."""
    foreign(cosigning)
    grow(3)
    policy = trust.policy()
    early = proving.receipt(LedgerLeaf.objects.get(position=1).entry_id)
    with pytest.raises(NoteRefused, match="witnesses"):
        policy.open(early.note)  # none has it yet
    assert witnessing.submit_due() == 1
    grow(300)
    for position, size in ((1, 3), (2, 3), (3, 303)):
        proof = proving.receipt(LedgerLeaf.objects.get(position=position).entry_id)
        assert checkpoint.opened(proof.note).size == size
        if size == 3:
            assert proof.verify(proof.extra or b"", policy.open).size == 3
    assert witnessing.submit_due() == 1
    late = proving.receipt(LedgerLeaf.objects.get(position=3).entry_id)
    assert late.verify(late.extra or b"", policy.open).size == 303


def test_a_witness_that_stays_away_takes_no_receipt_of_earlier_events_along(tmp_path: Path, settings: Any) -> None:
    """The others go on signing; what all of them signed before proves as much as it did."""
    keys = [signer.verifier.vkey for signer in FOREIGN]
    lines = "".join(f"witness w{number} {key} http://{number}.example/\n" for number, key in enumerate(keys))
    path = tmp_path / "two"
    path.write_text(f"{lines}group both all w0 w1\nquorum both\n")
    settings.GOVERNANCE_WITNESS_POLICY = str(path)
    for count in range(10):
        head = grow(1)
        for number, signer in enumerate(FOREIGN[: 1 if count else 2]):
            line = signer.line(head.note.split("\n\n")[0] + "\n", at=1)
            url = f"http://{number}.example/"
            LedgerCosignature.objects.create(size=head.size, witness=url, lines=line, created_at=timezone.now())
    proof = proving.receipt(LedgerLeaf.objects.get(position=0).entry_id)
    assert proof.verify(proof.extra or b"", trust.policy().open).size == 1


@pytest.mark.parametrize(("status", "text"), [(409, ""), (409, "conflict\n"), (409, "7\n"), (422, "")])
def test_a_fork_shows_however_a_foreign_witness_names_it(
    foreign: Callable[[Any], None], status: int, text: str
) -> None:
    """For two roots of one size the specification asks for the status 409, and for no body."""
    foreign(lambda old, _note: (status, "text/plain", text) if old == 7 else (409, "text/x.tlog.size", "7\n"))
    grow(7)
    assert witnessing.submit_due() == 0
    row = WitnessState.objects.get()
    assert (row.state, row.conflict_size) == ("conflict", 7)
    assert [problem.kind for problem in verify().problems] == [Kind.WITNESS_CONFLICT]


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ((409, "text/plain", "stale"), "refused"),  # it must say where it stands
        ((200, "text/plain", ""), "refused"),
        ((200, "text/plain", "x" * 3_000_000), "refused"),
        ((404, "text/plain", "unknown"), "refused"),
        ((307, "text/plain", ""), "refused"),
        ((503, "text/plain", ""), "unreachable"),
    ],
)
def test_nothing_is_kept_of_any_other_answer(foreign: Callable[[Any], None], answer: Any, state: str) -> None:
    foreign(lambda _old, _note: answer)
    grow()
    assert witnessing.submit_due() == 0
    assert (WitnessState.objects.get().state, LedgerCosignature.objects.count()) == (state, 0)


def test_no_more_is_read_than_a_witness_has_to_say(foreign: Callable[[Any], None], monkeypatch: Any) -> None:
    """An endless answer would fill the memory of the worker."""
    foreign(lambda _old, note: (*cosigning(0, note)[:2], cosigning(0, note)[2] + "\n" * 3_000_000))
    grow()
    read: list[str] = []
    judged = witnessing._judged  # noqa: SLF001  # what of the answer reaches the judge is what was read
    monkeypatch.setattr(
        witnessing, "_judged", lambda status, data, *rest: read.append(data) or judged(status, data, *rest)
    )
    assert witnessing.submit_due() == 0
    assert len(read[0].encode()) == 100_000


# --- What is answered to whom, by the specification's table ---------------------------------------------------------


@pytest.fixture
def judge(tmp_path: Path) -> Witness:
    Process(tmp_path)
    return Witness(signers_of(tmp_path / "keys"), Policy.parse(trust.text()), State(tmp_path / "state"))


def body(old: int, head: LedgerCheckpoint, note: str = "", proof: list[str] | None = None) -> bytes:
    lines = proving.ConsistencyProof(old, head.size, tuple(proving.extension(old, head.size))).lines
    return (
        "".join([f"old {old}\n", *(f"{line}\n" for line in (lines if proof is None else proof)), "\n"]).encode()
        + (note or head.note).encode()
    )


def test_the_answers_of_the_specification(judge: Witness) -> None:
    first, second = grow(3), grow(4)
    stranger = Signer(signing.origin(), b"\1" * 32)
    elsewhere = signing.sign_checkpoint(Checkpoint("other.example/log", 7, bytes(second.root)).text)
    foreign = signed_note(Checkpoint("other.example/log", 7, bytes(32)).text, [stranger], at=0)
    forged = signed_note(checkpoint.opened(second.note).text, [stranger], at=0)
    for wrong in (b"", b"old 0", b"old 00\n\n" + second.note.encode(), b"old -1\n\n", b"\xff", b"old 0\nx\n\nx\n1\n\n"):
        assert judge.add_checkpoint(wrong).status == 400, wrong
    assert judge.add_checkpoint(b"old 0\n" + b"A" * 44 + b"\n\n").status == 400
    assert judge.add_checkpoint(body(0, second, foreign)).status == 404
    assert judge.add_checkpoint(body(0, second, elsewhere)).status == 404
    assert judge.add_checkpoint(body(0, second, forged)).status == 403
    assert judge.add_checkpoint(body(0, second).replace(b"old 0", b"old 8")).status == 400
    assert judge.add_checkpoint(body(3, second)) == (409, "0\n", "text/x.tlog.size")
    assert judge.add_checkpoint(body(0, first)).status == 200
    assert judge.add_checkpoint(body(0, second)) == (409, "3\n", "text/x.tlog.size")
    assert judge.add_checkpoint(body(3, second, proof=[])).status == 422
    assert judge.add_checkpoint(body(3, first)).status == 200  # the same once more
    rewritten = signing.sign_checkpoint(Checkpoint(signing.origin(), 3, b"\1" * 32).text)
    assert judge.add_checkpoint(body(3, first, rewritten)) == (409, "3\n", "text/x.tlog.size")
    rewritten = signing.sign_checkpoint(Checkpoint(signing.origin(), 7, b"\1" * 32).text)
    assert judge.add_checkpoint(body(3, second, rewritten)).status == 422
    answer = judge.add_checkpoint(body(3, second))
    assert answer.status == 200
    verifiers: list[Verifier] = [signer.verifier for signer in judge.signers]
    assert len(opened_note(second.note + answer.body, verifiers)[1]) == 2
    assert State(judge.state.path).newest(signing.origin()) == (7, bytes(second.root))


def test_extension_lines_are_cosigned_with_the_key_that_signs_them(judge: Witness) -> None:
    """C2SP tlog-checkpoint allows them, and a checkpoint that passes every check must be cosigned."""
    head = grow(3)
    longer = Checkpoint(signing.origin(), 3, bytes(head.root)).text + "an extension line\n"
    note = signing.sign_text(longer)
    answer = judge.add_checkpoint(body(0, head, note))
    assert (answer.status, State(judge.state.path).newest(signing.origin())[0]) == (200, 3)
    ed25519 = judge.signers[0].verifier
    assert opened_note(note + answer.body, [signer.verifier for signer in judge.signers]) == (longer, [ed25519])


def test_what_cannot_be_cosigned_is_not_kept(judge: Witness) -> None:
    head = grow(3)
    longer = Checkpoint(signing.origin(), 3, bytes(head.root)).text + "an extension line\n"
    alone = Witness(judge.signers[1:], judge.policy, judge.state)  # ML-DSA-44 would not sign the extension line
    assert alone.add_checkpoint(body(0, head, signing.sign_text(longer))).status == 422
    assert State(judge.state.path).newest(signing.origin())[0] == 0
    assert alone.add_checkpoint(body(0, head)).status == 200


def test_one_state_has_one_witness(witness: Process) -> None:
    """Two processes that each know another newest checkpoint would cosign a fork between them."""
    files = ("--keys", str(witness.keys), "--logs", str(witness.logs), "--state", str(witness.state))
    second = witness._run("serve", *files, "--listen", "127.0.0.1:0")  # noqa: SLF001  # one more, by accident
    assert (second.communicate(timeout=30)[0], second.returncode) == ("", 1)
    # Who can open the file can hold the lock, and the witness would not start.
    assert witness.state.with_name(f"{witness.state.name}.lock").stat().st_mode & 0o077 == 0


def test_a_body_is_read_only_where_its_end_is_certain(witness: Process) -> None:
    for path, headers, status in (
        ("/", {"Content-Length": "1"}, 404),
        ("/add-checkpoint", {}, 411),
        ("/add-checkpoint", {"Transfer-Encoding": "chunked"}, 411),
        ("/add-checkpoint", {"Content-Length": "5", "Transfer-Encoding": "chunked"}, 411),
        ("/add-checkpoint", {"Content-Length": "-5"}, 411),
        ("/add-checkpoint", {"Content-Length": "200001"}, 413),
        ("/add-checkpoint", {"Content-Length": "9" * 5000}, 413),
    ):
        connection_ = HTTPConnection(witness.url.removeprefix("http://"), timeout=10)
        connection_.putrequest("POST", path, skip_accept_encoding=True)
        for name, value in headers.items():
            connection_.putheader(name, value)
        connection_.endheaders()
        answer = connection_.getresponse()
        assert answer.status == status, headers
        connection_.close()


def test_a_witness_that_moved_leaves_a_note_with_one_line_a_key(judge: Witness) -> None:
    head = grow(3)
    lines = judge.add_checkpoint(body(0, head)).body
    for url in ("https://old.example/", "https://new.example/"):
        LedgerCosignature.objects.create(size=3, witness=url, lines=lines, created_at=timezone.now())
    verifiers = [signer.verifier for signer in judge.signers]
    assert len(opened_note(cosigned.note(3, head.note), verifiers)[1]) == 2
    assert not verify().problems  # and nobody asks these witnesses any more


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    made = Process(tmp_path)
    assert made.keys.stat().st_mode & 0o777 == 0o600
    made.keys.chmod(0o644)
    with pytest.raises(SystemExit, match="chmod 600"):
        signers_of(made.keys)

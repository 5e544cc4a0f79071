"""Exports: in order, from where the last one stopped, an event of their own, and nothing lost when the line breaks."""

from __future__ import annotations

import datetime
import http.server
import json
import socket
import ssl
import threading
from contextlib import contextmanager
from io import StringIO
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.core.management import CommandError, call_command
from django.db import transaction

from governance import audit
from governance.audit import feed
from governance.audit.sequencer import sequence
from governance.errors import BadInput, SystemRefused, SystemUnavailable
from governance.models import Controller, ExportCursor, LedgerEntry
from governance.policy.principal import operator
from governance.policy.vocabulary import AuditType
from governance.systems import siem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.django_db, pytest.mark.enable_socket]

OPERATOR = operator("")


def record(controller: Controller, number: int) -> None:
    for each in range(number):
        with transaction.atomic():
            audit.record(
                AuditType.DATASET_IMPORTED, actor=OPERATOR, controller_id=controller.pk, object_ref=f"t:{each}"
            )
    while sequence():
        pass


def positions(lines: list[str]) -> list[int]:
    return [json.loads(line)["metadata"]["sequence"] for line in lines]


def test_a_second_run_sends_what_is_new_and_a_third_nothing(controller: Controller) -> None:
    record(controller, 3)
    sent: list[str] = []
    assert feed.export("a", sent.extend, to="file", principal=OPERATOR) == len(sent)
    before = len(sent)
    record(controller, 2)
    assert feed.export("a", sent.extend, to="file", principal=OPERATOR) == 3  # and the first export itself
    assert positions(sent) == list(range(before + 3))
    while sequence():
        pass
    assert feed.export("a", sent.extend, to="file", principal=OPERATOR) == 0
    assert LedgerEntry.objects.filter(type="export.made").count() == 2


def test_every_receiver_has_its_own_place(controller: Controller) -> None:
    record(controller, 1)
    first: list[str] = []
    second: list[str] = []
    feed.export("a", first.extend, to="file", principal=OPERATOR)
    feed.export("b", second.extend, to="file", principal=OPERATOR)
    assert first == second[: len(first)]


def test_a_broken_line_loses_nothing(controller: Controller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "BATCH", 2)
    record(controller, 7)
    sent: list[str] = []

    def breaks(lines: Any) -> None:
        if len(sent) >= 4:
            raise SystemUnavailable
        sent.extend(lines)

    with pytest.raises(SystemUnavailable):
        feed.export("a", breaks, to="https", principal=OPERATOR)
    assert ExportCursor.objects.get(name="a").position == 4
    feed.export("a", sent.extend, to="https", principal=OPERATOR)
    assert positions(sent) == list(range(len(sent)))


def test_nothing_leaves_before_its_row_is_committed(controller: Controller) -> None:
    record(controller, 1)
    seen = []
    feed.export(
        "a",
        lambda _lines: seen.append(LedgerEntry.objects.filter(type="export.made").count()),
        to="file",
        principal=OPERATOR,
    )
    assert seen == [1]


def test_no_address_and_no_name_is_in_it(controller: Controller, person: object) -> None:
    record(controller, 1)
    sent: list[str] = []
    feed.export("a", sent.extend, to="file", principal=OPERATOR)
    assert "jane" not in "".join(sent).lower()


def test_the_command_appends_to_a_file_of_its_owner(controller: Controller, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    for _time in range(2):
        record(controller, 2)
        call_command("export_audit", "--to", "file", "--path", str(path), stdout=StringIO())
    lines = path.read_text().splitlines()
    assert positions(lines) == list(range(len(lines)))
    assert path.stat().st_mode & 0o077 == 0
    with pytest.raises(CommandError, match="--path"):
        call_command("export_audit", "--to", "file", stdout=StringIO())


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "collector")])
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start.replace(year=2120))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = serialization.PrivateFormat.PKCS8
    plain = key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(plain)
    return folder / "cert.pem", folder / "key.pem"


def tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


@contextmanager
def listening(certificate: tuple[Path, Path], serve: Callable[[ssl.SSLSocket], None]) -> Iterator[int]:
    """Accept one connection over TLS and hand it to the test."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def run() -> None:
            try:
                opened, _peer = server.accept()
                with tls(certificate).wrap_socket(opened, server_side=True) as secured:
                    serve(secured)
            except OSError:
                pass

        thread = threading.Thread(target=run)
        thread.start()
        yield server.getsockname()[1]
        thread.join(10)


def frames(received: bytes) -> list[bytes]:
    """Read RFC 5425 frames: a length, a space, so many octets."""
    found = []
    while received:
        length, _space, rest = received.partition(b" ")
        found.append(rest[: int(length)])
        received = rest[int(length) :]
    return found


def test_syslog_messages_arrive_over_tls_framed_by_octets(
    controller: Controller, certificate: tuple[Path, Path]
) -> None:
    record(controller, 3)
    received: list[bytes] = []

    def serve(secured: ssl.SSLSocket) -> None:
        while part := secured.recv(65536):
            received.append(part)
        secured.unwrap()

    with listening(certificate, serve) as port:
        call_command(
            "export_audit",
            *("--to", "syslog", "--address", f"127.0.0.1:{port}", "--ca-file", str(certificate[0])),
            stdout=StringIO(),
        )
    messages = frames(b"".join(received))
    assert len(messages) == ExportCursor.objects.get(name="syslog").position == 3
    for message in messages:
        head, text = message.split(b" - ocsf - ", 1)
        assert head.startswith(b"<110>1 20")
        assert head.endswith(b" governance")
        json.loads(text)


def test_a_server_that_cannot_prove_itself_gets_nothing(controller: Controller, certificate: tuple[Path, Path]) -> None:
    record(controller, 1)
    received: list[bytes] = []
    listener = listening(certificate, lambda secured: received.append(secured.recv(1)))
    with listener as port, pytest.raises(CommandError, match="not trusted"):
        call_command("export_audit", "--to", "syslog", "--address", f"127.0.0.1:{port}", stdout=StringIO())
    assert received == []
    assert not ExportCursor.objects.exists()


class Collector(http.server.BaseHTTPRequestHandler):
    """Answers as it is told, and keeps what it took."""

    answers: list[int]
    taken: list[tuple[dict[str, str], bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.answers.pop(0) if self.answers else 200
        if status == 200:
            self.taken.append((dict(self.headers), body))
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "https://127.0.0.1:1/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args: Any) -> None:
        pass


@pytest.fixture
def collector(certificate: tuple[Path, Path]) -> Iterator[tuple[str, type[Collector]]]:
    kind = type("Told", (Collector,), {"answers": [], "taken": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
    server.socket = tls(certificate).wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}/ingest", kind
    server.shutdown()
    server.server_close()
    thread.join(10)


def test_a_collector_takes_lines_with_the_token(
    controller: Controller, certificate: tuple[Path, Path], collector: tuple[str, type[Collector]], tmp_path: Path
) -> None:
    record(controller, 2)
    url, kind = collector
    (tmp_path / "token").write_text("sesame\n")
    call_command(
        "export_audit",
        *("--to", "https", "--url", url, "--ca-file", str(certificate[0]), "--token-file", str(tmp_path / "token")),
        stdout=StringIO(),
    )
    ((headers, body),) = kind.taken
    assert headers["Authorization"] == "Bearer sesame"
    assert headers["Content-Type"] == "application/x-ndjson"
    assert positions(body.decode().splitlines()) == list(range(ExportCursor.objects.get(name="https").position))


@pytest.mark.parametrize(("answers", "taken"), [([503, 429, 200], 1), ([500, 500, 500], 0), ([302], 0), ([401], 0)])
def test_a_busy_collector_is_asked_again_and_a_refusal_is_not(
    answers: list[int], taken: int, certificate: tuple[Path, Path], collector: tuple[str, type[Collector]]
) -> None:
    url, kind = collector
    kind.answers = list(answers)
    with siem.to_https(url, authorities=certificate[0], waits=(0, 0)) as send:
        if taken:
            send(["{}"])
        else:
            with pytest.raises((SystemUnavailable, SystemRefused)):
                send(["{}"])
    assert len(kind.taken) == taken


def test_events_do_not_travel_in_the_clear() -> None:
    with pytest.raises(BadInput), siem.to_https("http://127.0.0.1/ingest") as _send:
        pass

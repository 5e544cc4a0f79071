"""A witness (C2SP tlog-witness): cosigns checkpoints of ledgers it knows, each only if it extends the last it cosigned.

    python -m deploy.witness keygen NAME KEYS          makes a key file; prints the lines for a policy file
    python -m deploy.witness serve --keys KEYS --logs POLICY --state FILE [--listen 127.0.0.1:7780]

For another administrator, on another machine: whoever runs the ledger must not be able to change the state or read the
keys. It needs Python, `cryptography` and the folder governance/crypto; no Django, no database. POLICY lists the keys of
the ledgers, as `/ledger-keys` shows them. What it has cosigned is on disk, synced, before it answers.
"""

import argparse
import base64
import fcntl
import json
import os
import secrets
import sys
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final, NamedTuple

from governance.crypto.checkpoints import Checkpoint
from governance.crypto.encoding import from_base64, from_decimal
from governance.crypto.errors import CryptoError, NoteRefused, ProofRefused
from governance.crypto.merkle import EMPTY_ROOT, HASH_LENGTH, verify_consistency
from governance.crypto.notes import opened_note, taken_apart
from governance.crypto.policies import Policy
from governance.crypto.signatures import SignatureType, Signer

PATH: Final = "/add-checkpoint"
LARGEST: Final = 200_000
SIZE_TYPE: Final = "text/x.tlog.size"
MOST_HASHES: Final = 63

_DIGITS: Final = len(str(LARGEST))


class Answer(NamedTuple):
    """What is answered to a submission."""

    status: int
    body: str = ""
    type: str = "text/plain; charset=utf-8"


class State:
    """The newest checkpoint cosigned of each ledger, in one file that is written whole and synced."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.Lock()
        self._held: dict[str, dict[str, str | int]] = json.loads(path.read_text()) if path.exists() else {}

    def newest(self, origin: str) -> tuple[int, bytes | None]:
        """Answer size and root; zero and none for a ledger never cosigned."""
        held = self._held.get(origin)
        return (0, None) if held is None else (int(held["size"]), base64.b64decode(str(held["root"])))

    def keep(self, head: Checkpoint) -> None:
        """Remember a checkpoint. The caller holds the lock, and answers only afterwards."""
        held = self._held | {head.origin: {"size": head.size, "root": base64.b64encode(head.root).decode()}}
        new = self.path.with_name(f"{self.path.name}.new")
        with new.open("w") as file:
            json.dump(held, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.path)
        # The name must survive a power cut too: an older state would cosign a fork.
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self._held = held


class Witness:
    """Judges submissions."""

    def __init__(self, signers: list[Signer], policy: Policy, state: State) -> None:
        self.signers = signers
        self.policy = policy
        self.state = state

    def add_checkpoint(self, body: bytes) -> Answer:
        """Judge one submission, in the order of the specification.

        1. it can be read; 2. the ledger is known; 3. a key of it signed; 4. the old size is not beyond the new; 5. the
        old size is the one held here; 6. one size has one root; 7. the new tree extends the old; 8. keep, then cosign.
        """
        try:
            old, proof, note = _taken_apart(body.decode())
            head = Checkpoint.parse(taken_apart(note)[0])
        except (CryptoError, UnicodeDecodeError):
            return Answer(400)  # (1)
        verifiers = [verifier for verifier in self.policy.logs if verifier.name == head.origin]
        if not verifiers:
            return Answer(404)  # (2)
        try:
            text, _ = opened_note(note, verifiers)
        except NoteRefused:
            return Answer(403)  # (3)
        if old > head.size:
            return Answer(400)  # (4)
        with self.state.lock:
            return self._extend(old, proof, head, text)

    def _extend(self, old: int, proof: list[bytes], head: Checkpoint, text: str) -> Answer:
        size, root = self.state.newest(head.origin)
        if old != size or (root is not None and head.size == size and head.root != root):
            return Answer(409, f"{size}\n", SIZE_TYPE)  # (5) (6)
        try:
            # From the empty tree nothing is proven, so the proof must be empty.
            verify_consistency(old, head.size, proof, EMPTY_ROOT if root is None else root, head.root)
        except ProofRefused:
            return Answer(422)  # (7)
        # Signed before it is kept: a state for which no signature exists would shut this ledger out for good.
        lines = self._signed(text)
        if not lines:
            return Answer(422)
        self.state.keep(head)  # (8)
        return Answer(200, lines)

    def _signed(self, text: str) -> str:
        """Answer the lines of all keys that can sign this: ML-DSA-44 leaves extension lines to Ed25519."""
        now, lines = int(time.time()), []
        for signer in self.signers:
            with suppress(CryptoError, ValueError):
                lines.append(signer.line(text, at=now))
        return "".join(lines)


def handler(witness: Witness) -> type[BaseHTTPRequestHandler]:
    """Answer the class that serves this witness over HTTP."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_POST(self) -> None:
            status = self._status()
            if status:
                self.close_connection = True  # what follows was not read
                self._say(Answer(status))
            else:
                self._say(witness.add_checkpoint(self.rfile.read(int(self.headers["Content-Length"]))))

        def _status(self) -> int:
            """Answer the status with which a request is refused whose body is not read, or zero."""
            lengths = self.headers.get_all("Content-Length", [])
            if self.path != PATH:
                return 404
            # Two lengths, or chunks: a proxy in front could see the request end where this program does not.
            if len(lengths) != 1 or "Transfer-Encoding" in self.headers or not lengths[0].isdecimal():
                return 411
            return 413 if len(lengths[0]) > _DIGITS or int(lengths[0]) > LARGEST else 0

        def _say(self, answer: Answer) -> None:
            data = answer.body.encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.type)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # its signature
            del format
            sys.stderr.write(f"{self.log_date_time_string()} {' '.join(str(each) for each in arguments)}\n")

    return Handler


def keygen(name: str, path: Path) -> int:
    """Make a key file that only its owner reads."""
    seeds = {"name": name, "ed25519": secrets.token_hex(32), "ml_dsa_44": secrets.token_hex(32)}
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(seeds, file)
    for number, signer in enumerate(signers_of(path), 1):
        sys.stdout.write(f"witness {name.partition('/')[0]}-{number} {signer.verifier.vkey} http://HOST:PORT/\n")
    return 0


def signers_of(path: Path) -> list[Signer]:
    """Read a key file; refuses one that others can read."""
    if path.stat().st_mode & 0o077:
        sys.exit(f"{path} can be read by others; chmod 600 it.")
    seeds = json.loads(path.read_text())
    return [
        Signer(seeds["name"], bytes.fromhex(seeds["ed25519"]), SignatureType.COSIGNATURE_ED25519),
        Signer(seeds["name"], bytes.fromhex(seeds["ml_dsa_44"]), SignatureType.COSIGNATURE_ML_DSA_44),
    ]


def serve(given: argparse.Namespace) -> int:
    """Serve until stopped."""
    host, _, port = given.listen.rpartition(":")
    # Held until this process ends, however it ends. Who can open it can hold it and keep the witness from starting.
    lock = os.open(given.state.with_name(f"{given.state.name}.lock"), os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        # Each would compare with what it read when it started, and together they would cosign a fork.
        sys.exit(f"Another witness runs with {given.state}.")
    witness = Witness(signers_of(given.keys), Policy.read(given.logs), State(given.state))
    server = ThreadingHTTPServer((host, int(port)), handler(witness))
    sys.stdout.write(f"listening on {server.server_address[0]}:{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Make keys or serve."""
    parser = argparse.ArgumentParser(prog="python -m deploy.witness", description="Cosigns checkpoints of ledgers.")
    what = parser.add_subparsers(dest="what", required=True)
    making = what.add_parser("keygen")
    making.add_argument("name")
    making.add_argument("keys", type=Path)
    serving = what.add_parser("serve")
    for name in ("--keys", "--logs", "--state"):
        serving.add_argument(name, type=Path, required=True)
    serving.add_argument("--listen", default="127.0.0.1:7780")
    given = parser.parse_args(arguments)
    return keygen(given.name, given.keys) if given.what == "keygen" else serve(given)


def _taken_apart(body: str) -> tuple[int, list[bytes], str]:
    head, blank_line, note = body.partition("\n\n")
    first, *lines = head.split("\n")
    if not blank_line or not first.startswith("old ") or len(lines) > MOST_HASHES:
        raise NoteRefused("The submission has an old size, hashes, an empty line and a checkpoint.")
    proof = [from_base64(line) for line in lines]
    if any(len(hash_) != HASH_LENGTH for hash_ in proof):
        raise NoteRefused("A hash of the proof is 32 bytes.")
    return from_decimal(first.removeprefix("old ")), proof, note


if __name__ == "__main__":
    sys.exit(main())

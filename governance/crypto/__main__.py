"""The verifier that stands alone: Python, `cryptography` and this package, no Django, no database, no network.

    python -m governance.crypto receipt FILE --policy KEYS
    python -m governance.crypto folder DIR --policy KEYS [--since CHECKPOINT]

Exit code 0: it holds. 1: it does not; each problem names its index. 2: it could not be verified: a file cannot be read,
or there is no checkpoint that the policy believes.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Final

from governance.crypto.errors import CryptoError, NoteRefused, ProofRefused
from governance.crypto.exported import verify_folder
from governance.crypto.policies import Policy
from governance.crypto.proofs import verify_receipt

HOLDS: Final = 0
BROKEN: Final = 1
CANNOT_VERIFY: Final = 2


def main(arguments: list[str] | None = None) -> int:
    """Verify what is named and answer the exit code."""
    given = _parser().parse_args(arguments)
    try:
        policy = Policy.read(given.policy)
        return _receipt(given.file, policy) if given.what == "receipt" else _folder(given, policy)
    except (OSError, UnicodeDecodeError, NoteRefused) as error:
        sys.stderr.write(f"It could not be verified: {error}\n")
        return CANNOT_VERIFY
    except CryptoError as refused:
        sys.stderr.write(f"It does not hold: {refused}\n")
        return BROKEN


def _receipt(path: Path, policy: Policy) -> int:
    text = _read(path)
    try:
        proof, head = verify_receipt(text, policy.open)
    except ProofRefused as refused:
        sys.stderr.write(f"The receipt does not hold: {refused}\n")
        return BROKEN
    entry = proof.extra or b""
    # As a JSON text: an entry's bytes are not ours to send to a terminal.
    sys.stdout.write(f"{json.dumps(entry.decode(errors='replace'))}\n")
    sys.stdout.write(f"The receipt holds: entry {proof.index} of {head.size} in {head.origin}.\n")
    return HOLDS


def _folder(given: argparse.Namespace, policy: Policy) -> int:
    result = verify_folder(given.folder, policy, since=None if given.since is None else _read(given.since))
    for problem in result.problems:
        sys.stderr.write(f"  {problem}\n")
    if result.found:
        sys.stderr.write(f"The ledger does not hold: {result.found} problem(s).\n")
        return BROKEN
    sys.stdout.write(f"The ledger holds: {result.size} entries.\n")
    return HOLDS


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m governance.crypto", description="Verifies a ledger offline.")
    what = parser.add_subparsers(dest="what", required=True)
    receipt = what.add_parser("receipt", help="one .tlog-proof file that carries its entry")
    receipt.add_argument("file", type=Path)
    folder = what.add_parser("folder", help="an exported ledger")
    folder.add_argument("folder", type=Path)
    folder.add_argument("--since", type=Path, help="a checkpoint kept earlier; the ledger must extend it")
    for each in (receipt, folder):
        each.add_argument("--policy", type=Path, required=True, help="whose signatures count (C2SP tlog-policy)")
    return parser


def _read(path: Path) -> str:
    # Line ends as they are: a carriage return is no part of any of these formats, and must not be read away.
    with path.open(encoding="utf-8", newline="") as file:
        return file.read()


if __name__ == "__main__":
    sys.exit(main())

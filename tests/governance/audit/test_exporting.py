"""The exported ledger: verified by a program that stands alone, which names the index of whatever was done to it."""

from __future__ import annotations

import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.core.management import CommandError, call_command

from governance.audit import exporting, proving, trust
from governance.audit.sequencer import sequence
from governance.crypto import tiles
from governance.crypto.__main__ import main
from governance.crypto.exported import differences
from governance.crypto.merkle import leaf_hash
from governance.models import LedgerCheckpoint, LedgerEntry, LedgerLeaf
from governance.policy.principal import operator
from tests.governance.audit.test_sequencer import fill
from tests.governance.audit.test_verify import run

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.django_db

PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An export of 700 entries: two full bundles and a partial one."""
    for count in (300, 400):
        fill(count)
        sequence()
    call_command("export_ledger", str(tmp_path / "export"), stdout=StringIO())
    (tmp_path / "policy").write_text(trust.text(), encoding="utf-8")
    return tmp_path / "export"


def alone(folder: Path, *more: str) -> int:
    return main(["folder", str(folder), "--policy", str(folder.parent / "policy"), *more])


def test_it_is_verified_without_django_or_a_database(folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", ALONE, "folder", str(folder), "--policy", str(tmp_path / "policy")]
    ran = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "The ledger holds: 700 entries.\n", "")
    assert run("--folder", str(folder))[0] == 0


#: Runs the verifier where nothing but the standard library, cryptography and the pure room can be imported.
ALONE = """
import sys
class Shut:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"django", "celery", "rest_framework", "psycopg", "environ"} or (
            name.startswith("governance.") and not name.startswith("governance.crypto")
        ):
            raise ImportError(name)
sys.meta_path.insert(0, Shut())
from governance.crypto.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def bundle(folder: Path, index: int) -> Path:
    return folder / "tile" / "entries" / f"{index:03}"


def change(path: Path, alter: Callable[[list[bytes]], list[bytes]]) -> None:
    data = path.read_bytes()
    entries, at = [], 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        entries.append(data[at + 2 : end])
        at = end
    path.write_bytes(tiles.bundle_of(alter(entries)))


def edited(entries: list[bytes]) -> list[bytes]:
    return [*entries[:7], entries[7].replace(b"filler", b"nobody"), *entries[8:]]


def swapped(entries: list[bytes]) -> list[bytes]:
    return [*entries[:3], entries[5], entries[4], entries[3], *entries[6:]]


ATTACKS: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "an edited entry": (
        lambda folder: change(bundle(folder, 1), edited),
        ["entry edited or replaced at index 263"],
    ),
    "a removed entry": (
        lambda folder: change(bundle(folder, 1), lambda entries: entries[:9] + entries[10:]),
        ["entry removed at index 265"],
    ),
    "an added entry": (
        lambda folder: change(bundle(folder, 0), lambda entries: [*entries, b"{}"]),
        ["entry added behind index 255"],
    ),
    "swapped entries": (
        lambda folder: change(bundle(folder, 0), swapped),
        ["entry of index 5 reordered at index 3", "entry of index 3 reordered at index 5"],
    ),
    "a removed bundle": (lambda folder: bundle(folder, 1).unlink(), ["bundle removed: tile/entries/001"]),
    "a bundle cut short": (
        lambda folder: bundle(folder, 0).write_bytes(bundle(folder, 0).read_bytes()[:-1]),
        ["bundle cut within an entry: tile/entries/000"],
    ),
    "a removed tile": (lambda folder: (folder / "tile/0/001").unlink(), ["tile removed or cut: tile/0/001"]),
    "an edited tile": (
        lambda folder: (folder / "tile/1/000.p/2").write_bytes(b"\1" * 64),
        ["replaced between index 0 and 255", "replaced between index 256 and 511"],
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_what_was_done_is_named(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    attack, said = ATTACKS[name]
    attack(folder)
    assert alone(folder) == 1
    problems = capsys.readouterr().err
    for each in said:
        assert each in problems
    code, told = run("--folder", str(folder))
    assert code == 1
    assert said[0] in told


def test_an_entry_replaced_with_its_hash_is_confined(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(bundle(folder, 1), edited)
    entries = tiles.entries_of(bundle(folder, 1).read_bytes(), 256)
    (folder / "tile/0/001").write_bytes(b"".join(leaf_hash(entry) for entry in entries))
    assert alone(folder) == 1
    assert "replaced between index 256 and 511: tile/0/001" in capsys.readouterr().err
    above = folder / "tile/1/000.p/2"
    hashes = above.read_bytes()[:32] + tiles.subtree_root([leaf_hash(entry) for entry in entries])
    above.write_bytes(hashes)
    assert alone(folder) == 1
    assert "do not give the signed root" in capsys.readouterr().err


def test_a_kept_checkpoint_must_be_extended(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "kept"
    kept.write_text(LedgerCheckpoint.objects.get(size=300).note, encoding="utf-8")
    assert alone(folder, "--since", str(kept)) == 0
    fill(1)
    sequence()
    kept.write_text(LedgerCheckpoint.objects.get(size=702).note, encoding="utf-8")
    assert alone(folder, "--since", str(kept)) == 1
    assert "tail truncated at index 700 to 701" in capsys.readouterr().err


def test_without_a_checkpoint_that_is_believed_nothing_is_said(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "policy").write_text("quorum none\n", encoding="utf-8")
    assert alone(folder) == 2
    (folder / "checkpoint").unlink()
    assert alone(folder) == 2
    assert run("--folder", str(folder))[0] == 2
    assert main(["folder", str(folder), "--policy", str(tmp_path / "absent")]) == 2


def test_an_interrupted_export_goes_on_where_it_stopped(folder: Path) -> None:
    whole = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    (folder / "tile/0/001").unlink()
    assert [tile.path for tile in exporting.export(folder, principal=operator(""))] == ["0/001"]
    assert {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()} == whole
    fill(100)
    sequence()
    assert [tile.path for tile in exporting.export(folder, principal=operator(""))] == [
        "0/002", "entries/002", "0/003.p/34", "entries/003.p/34", "1/000.p/3",
    ]  # fmt: skip
    assert alone(folder) == 0


def test_an_empty_ledger_is_not_exported(tmp_path: Path) -> None:
    with pytest.raises(CommandError):
        call_command("export_ledger", str(tmp_path))


def test_one_receipt(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    receipt = tmp_path / "receipt.tlog-proof"
    text = proving.receipt(LedgerLeaf.objects.get(position=400).entry_id).text
    receipt.write_text(text, encoding="utf-8")
    arguments = ["receipt", str(receipt), "--policy", str(tmp_path / "policy")]
    assert main(arguments) == 0
    assert "entry 400 of 700" in capsys.readouterr().out
    assert run("--receipt", str(receipt))[0] == 0
    for changed, code in (
        (text.replace("index 400", "index 401"), 1),
        (text.replace("\n", "\r\n"), 1),
        (text.replace("\n700\n", "\n701\n"), 2),
        ("", 1),
    ):
        receipt.write_bytes(changed.encode())
        assert main(arguments) == code
        assert run("--receipt", str(receipt))[0] == code


def test_an_export_is_on_record_and_only_its_owner_reads_it(folder: Path) -> None:
    (event,) = LedgerEntry.objects.filter(type="export.made")
    assert (event.object_ref, '"entries":700' in event.payload) == ("export:ledger", True)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()} == {0o600}


def test_fewer_entries_than_stated_are_always_named() -> None:
    assert list(differences(0, [b"b", b"a"], [b"a", b"b", b"b"]))
    assert list(differences(0, [b"a", b"a"], [b"a", b"b"]))
    assert list(differences(0, [], [b"a"])) == ["entry removed at index 0"]

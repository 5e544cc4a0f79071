"""Writes the ledger as a folder that anybody verifies without us (C2SP tlog-tiles); it reads no sealed body."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import transaction

from governance.audit import cosigned, proving, tiling, trust
from governance.audit.recording import record
from governance.crypto import tiles
from governance.crypto.tiles import ENTRIES, Tile
from governance.errors import Conflict
from governance.policy.principal import Principal
from governance.policy.vocabulary import AuditType

if TYPE_CHECKING:
    from governance.policy.opaque import Detail

CHECKPOINT = "checkpoint"
KEYS = "ledger-keys"


def export(folder: Path, *, principal: Principal) -> Iterator[Tile]:
    """Write what the folder lacks and yield each tile written; raises Conflict for a ledger without a checkpoint.

    One tile is in memory at a time. A full tile never changes, so an interrupted run, or one of last month, goes
    on where it stopped. The checkpoint comes last: a folder that has it is complete for it.
    """
    head = proving.latest_checkpoint()
    if head is None:
        raise Conflict("The ledger has no checkpoint yet; nothing can be exported.")
    with transaction.atomic(durable=True):  # committed before anything leaves
        details: dict[str, Detail] = {"format": "tlog-tiles", "to": "folder", "entries": head.size}
        record(AuditType.EXPORT_MADE, actor=principal, object_ref="export:ledger", decision="allow", details=details)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for tile in tiles.tiles_of(head.size):
        for each in (tile, Tile(ENTRIES, tile.index, tile.width)) if tile.level == 0 else (tile,):
            path = folder / "tile" / each.path
            if not path.exists():
                _write(path, tiling.bundle(each) if each.level == ENTRIES else tiling.read(each))
                yield each
    _write(folder / KEYS, trust.text().encode())
    _write(folder / CHECKPOINT, cosigned.note(head.size, head.note).encode())


def _write(path: Path, data: bytes) -> None:
    """Write a file at once or not at all: what is half there after a crash must not pass for done."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)

"""The doors of the ledger: a stranger rebuilds the tree from them, and nobody reads another controller's entries."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from governance.access import grants, service_keys
from governance.crypto import merkle, tiles
from governance.crypto.policies import Policy
from governance.crypto.proofs import verify_receipt
from governance.models import LedgerCheckpoint, LedgerEntry
from governance.policy.principal import operator
from governance.policy.vocabulary import Role
from tests.api.calls import newest_size
from tests.governance.audit.test_sequencer import fill
from tests.governance.conftest import signed_in, staff

if TYPE_CHECKING:
    from django.http import HttpResponse

    from tests.api.estate import Estate

pytestmark = pytest.mark.django_db


@pytest.fixture
def auditor(acme: Estate, umbrella: Estate) -> Client:
    """Somebody who reads the audit of every controller."""
    user = staff(acme.controller, Role.AUDITOR, email="all@auditors.example")
    grants.serve(user, umbrella.controller, [Role.AUDITOR], principal=operator(umbrella.controller.pk.hex))
    fill(300)
    newest_size()
    return signed_in(user)


@pytest.fixture
def monitor(umbrella: Estate) -> dict[str, str]:
    """A service that may read Umbrella's audit."""
    who = operator(umbrella.controller.pk.hex)
    account = service_keys.create_account(umbrella.controller, "monitor", [Role.MONITOR], ["*"], principal=who)
    return {"Authorization": f"Bearer {service_keys.issue(account, principal=who)}"}


def tile(client: Client, path: str, headers: dict[str, str] | None = None) -> HttpResponse:
    return client.get(f"/v1/audit/tile/{path}", headers=headers or {})


def test_a_stranger_rebuilds_the_tree_and_finds_every_entry_in_it(auditor: Client, monitor: dict[str, str]) -> None:
    policy = Policy.parse(Client().get("/ledger-keys").content.decode())
    answer = Client().get("/v1/audit/checkpoint", headers=monitor)
    assert (answer["Content-Type"], answer["Cache-Control"]) == ("text/plain; charset=utf-8", "no-store")
    head = policy.open(answer.content.decode())
    held = {each: tile(Client(), each.path, monitor) for each in tiles.tiles_of(head.size)}
    for got in held.values():
        assert (got["Content-Type"], got["Cache-Control"]) == (
            "application/octet-stream",
            "private, max-age=31536000, immutable",
        )
    assert merkle.root_at(head.size, tiles.fetch_over(lambda each: held[each].content, head.size)) == head.root
    leaves = [each for each in held if each.level == 0]
    assert len(leaves) == 2
    for each in leaves:
        bundle = tile(auditor, tiles.Tile(tiles.ENTRIES, each.index, each.width).path)
        entries = tiles.entries_of(bundle.content, each.width)
        assert b"".join(merkle.leaf_hash(entry) for entry in entries) == held[each].content
    everything = {bytes(json.loads(entry)["id"], "ascii") for entry in entries}
    assert everything <= {str(pk).encode() for pk in LedgerEntry.objects.values_list("pk", flat=True)}


def test_the_public_keys_are_only_read() -> None:
    assert Client(enforce_csrf_checks=True).post("/ledger-keys").status_code == 405


def test_bundles_open_only_to_who_reads_every_controller(
    auditor: Client, acme: Estate, umbrella: Estate, monitor: dict[str, str]
) -> None:
    assert tile(auditor, "entries/000").status_code == 200
    theirs = tile(umbrella.desk, "entries/000")
    absent = tile(umbrella.desk, "entries/999")
    assert (theirs.status_code, theirs.json()["detail"]) == (absent.status_code, absent.json()["detail"])
    assert theirs.status_code == tile(Client(), "entries/000", monitor).status_code == 404
    assert tile(umbrella.desk, "0/000").status_code == 200


def test_an_event_is_proven_to_its_own_controller_alone(auditor: Client, acme: Estate, umbrella: Estate) -> None:
    policy = Policy.parse(Client().get("/ledger-keys").content.decode())
    path = f"/v1/audit/proof/{acme.event.pk}"
    for client in (auditor, acme.desk):
        answer = client.get(path)
        assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain; charset=utf-8")
        proof, head = verify_receipt(answer.content.decode(), policy.open)
        assert (proof.extra, head.size) == (acme.event.payload.encode(), LedgerCheckpoint.objects.latest("size").size)
    assert umbrella.desk.get(path).status_code == 404
    of_nobody = LedgerEntry.objects.filter(controller=None)[0]
    answers = [client.get(f"/v1/audit/proof/{of_nobody.pk}").status_code for client in (auditor, umbrella.desk)]
    assert answers == [200, 404]


def test_an_event_without_a_position_says_so(auditor: Client, acme: Estate) -> None:
    fill(1)
    waiting = LedgerEntry.objects.latest("recorded_at", "pk")
    answer = auditor.get(f"/v1/audit/proof/{waiting.pk}")
    assert (answer.status_code, answer.json()["code"]) == (409, "state.conflict")


def test_only_tiles_that_a_checkpoint_needs_are_served(auditor: Client) -> None:
    size = LedgerCheckpoint.objects.latest("size").size
    assert 256 < size < 512
    for path in ("0/000", "1/000.p/1", f"0/001.p/{size - 256}"):
        assert tile(auditor, path).status_code == 200, path
    for path in (
        "0/001", "1/000", "0/002", "2/000.p/1", f"0/001.p/{size - 255}", f"0/001.p/{size - 257}", "0/000.p/0", "0/0",
        "63/x999/x999/x999/x999/x999/999", "-1/000", "data/000", "0/000/", "0//000", "00/000", f"0/{'x999/' * 10}000",
    ):  # fmt: skip
        assert tile(auditor, path).status_code == 404, path


def test_one_checkpoint_is_proven_to_extend_another(auditor: Client) -> None:
    fill(40)
    newest_size()
    *_, old, new = LedgerCheckpoint.objects.order_by("size")
    answer = auditor.get("/v1/audit/consistency", {"old": old.size})
    assert (answer.json()["old_size"], answer.json()["new_size"]) == (old.size, new.size)
    path = [base64.b64decode(line) for line in answer.json()["hashes"]]
    merkle.verify_consistency(old.size, new.size, path, bytes(old.root), bytes(new.root))
    assert auditor.get("/v1/audit/consistency").json()["hashes"] == []
    for wrong in ({"old": "1e3"}, {"old": "-1"}, {"new": "9" * 30}, {"old": "\N{ARABIC-INDIC DIGIT ONE}"}):
        assert auditor.get("/v1/audit/consistency", wrong).status_code == 422
    for unsigned in ({"old": new.size - 1}, {"old": old.size, "new": new.size + 1}, {"old": new.size, "new": old.size}):
        assert auditor.get("/v1/audit/consistency", unsigned).status_code == 404


@pytest.mark.parametrize("path", ["checkpoint", "tile/0/000", "consistency"])
def test_a_parameter_that_a_door_does_not_read_is_named(auditor: Client, path: str) -> None:
    assert auditor.get(f"/v1/audit/{path}").status_code == 200
    answer = auditor.get(f"/v1/audit/{path}", {"sizes": "3"})
    assert (answer.status_code, [each["pointer"] for each in answer.json()["errors"]]) == (422, ["/sizes"])
    event = LedgerEntry.objects.latest("recorded_at", "pk")
    assert auditor.get(f"/v1/audit/proof/{event.pk}", {"sizes": "3"}).status_code == 422
    twice = auditor.get("/v1/audit/consistency?old=1&old=2")
    assert (twice.status_code, twice.json()["errors"][0]["pointer"]) == (422, "/old")


def test_nothing_is_answered_of_an_empty_ledger(umbrella: Estate) -> None:
    assert not LedgerCheckpoint.objects.exists()
    for path in ("checkpoint", "consistency", "tile/0/000.p/1"):
        assert umbrella.desk.get(f"/v1/audit/{path}").status_code == 404

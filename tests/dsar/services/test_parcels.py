"""A package is kept in sealed parts: read from any place, whole or not at all, and gone with its request."""

from __future__ import annotations

import os
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from django.db.models import F
from django.utils import timezone

from dsar import services
from dsar.errors import PackageExpired
from dsar.models import PackagePart, RequestPackage
from dsar.services import parcels
from dsar.verification import scope_of
from governance.errors import SealRefused
from governance.keys import compromise, data_keys
from governance.models import DataKey
from governance.policy.principal import worker
from governance.vault import resealing, trying
from tests.dsar.conftest import House, approve, fresh, planned, work

if TYPE_CHECKING:
    from dsar.models import SubjectRequest
    from governance.models import DataSubject

pytestmark = pytest.mark.django_db

FILE = os.urandom(3 * parcels.PART + 5)


@pytest.fixture
def request_(house: House, ann: DataSubject) -> SubjectRequest:
    return planned(house, "access")


def kept(request: SubjectRequest, content: bytes = FILE) -> RequestPackage:
    sealing = parcels.Sealing([content[:11], content[11:]], scope_of(request))
    parts = list(sealing.parts())
    package = RequestPackage.objects.create(
        controller=request.controller,
        request=request,
        key_id=parcels.key_id_of(parts),
        digest=sealing.digest,
        size=sealing.size,
        created_at=timezone.now(),
    )
    for position, part in enumerate(parts):
        PackagePart.objects.create(package=package, position=position, sealed=part)
    return package


def opened(request: SubjectRequest, package: RequestPackage) -> bytes | None:
    machine = worker(request.controller_id.hex)
    file = parcels.opened(package, scope=scope_of(request), principal=machine, object_ref="request:test")
    return None if file is None else file.read()


def test_a_file_of_several_parts_comes_back_whole(request_: SubjectRequest) -> None:
    package = kept(request_)
    assert (package.size, package.digest) == (len(FILE), sha256(FILE).hexdigest())
    lengths = [len(part.sealed) for part in package.parts.order_by("position")]
    assert lengths[:-1] == [parcels.PART] * 3
    assert 0 < lengths[-1] < parcels.PART
    assert opened(request_, package) == FILE


@pytest.mark.parametrize("length", [0, 1, 16384])
def test_small_files_too(request_: SubjectRequest, length: int) -> None:
    assert opened(request_, kept(request_, bytes(length))) == bytes(length)


def test_an_earlier_key_is_kept_while_it_opens_a_file(request_: SubjectRequest) -> None:
    package = kept(request_)
    old = DataKey.objects.get(pk=package.key_id)
    compromise.mark(old.pk)
    resealing.work()
    assert resealing.finish(timedelta(0)) == 0
    assert opened(request_, package) == FILE
    package.parts.all().delete()
    assert resealing.finish(timedelta(0)) == 1
    assert DataKey.objects.get(pk=old.pk).state == DataKey.State.DESTROYED


def test_a_certificate_tries_files_too_and_a_destroyed_key_opens_none(request_: SubjectRequest) -> None:
    package, owner = kept(request_), scope_of(request_)
    assert trying.try_files(owner, [package.key_id]) == trying.Tried("file", "file", 1, 1)
    assert data_keys.destroy(owner) == (package.key_id,)
    assert trying.try_files(owner, [package.key_id]) == trying.Tried("file", "file", 1, 0)
    assert trying.try_files(owner, ["0" * 16]) == trying.Tried("file", "file", 0, 0)


def test_half_of_it_is_never_given_out(request_: SubjectRequest) -> None:
    package = kept(request_)
    last = package.parts.order_by("-position")[0]
    held = bytes(last.sealed)
    for damage in (held[:-1], held[:-30] + bytes(30)):
        PackagePart.objects.filter(pk=last.pk).update(sealed=damage)
        with pytest.raises(SealRefused):
            opened(request_, package)
    PackagePart.objects.filter(pk=last.pk).update(sealed=held)
    assert opened(request_, package) == FILE
    PackagePart.objects.filter(package=package, position=1).update(position=7)
    with pytest.raises(SealRefused):
        opened(request_, package)


def test_a_part_changed_in_the_middle_stops_the_download_before_its_first_byte(request_: SubjectRequest) -> None:
    package = kept(request_)
    middle = package.parts.get(position=1)
    held = bytearray(middle.sealed)
    held[1000] ^= 1
    PackagePart.objects.filter(pk=middle.pk).update(sealed=bytes(held))
    with pytest.raises(SealRefused):
        opened(request_, package)
    RequestPackage.objects.filter(pk=package.pk).update(digest="0" * 64)
    PackagePart.objects.filter(pk=middle.pk).update(sealed=bytes(middle.sealed))
    assert opened(request_, fresh_package(package)) is None


def fresh_package(package: RequestPackage) -> RequestPackage:
    return RequestPackage.objects.get(pk=package.pk)


def test_another_requests_parts_do_not_open_here(request_: SubjectRequest, house: House) -> None:
    other = planned(house, "access", "erasure")
    package, theirs = kept(request_), kept(other)
    PackagePart.objects.filter(package=package).delete()
    PackagePart.objects.filter(package=theirs).update(package=package)
    with pytest.raises(SealRefused):
        opened(request_, package)


def test_what_was_answered_is_gone_when_the_request_is_purged(request_: SubjectRequest, house: House) -> None:
    approve(house, request_)
    work()
    request = services.respond(fresh(request_), principal=house.principal)
    assert services.is_available(request)
    assert PackagePart.objects.exists()
    machine = worker(request.controller_id.hex)
    RequestPackage.objects.update(attempts_left=F("attempts_left") - 5)
    with pytest.raises(PackageExpired):
        services.download(fresh(request), principal=machine)
    services.close(fresh(request), principal=house.principal)
    services.purge(fresh(request), principal=machine)
    assert not PackagePart.objects.exists()

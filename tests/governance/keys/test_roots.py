"""Rotation at the key store, and the move from one store to another: everything still opens, is found and verifies."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from governance import vault
from governance.audit import sequencer
from governance.audit.verify import verify
from governance.crypto import keyring
from governance.fields import Scope
from governance.keys import providers, roots, secret_text
from governance.models import Controller, ControllerKey, LedgerEntry, RootSecret
from tests.governance.keys.providers.conftest import hsm_token, store  # noqa: F401 -- fixtures
from tests.governance.keys.test_installation import ADDRESS, acme, forget, installation, read, register  # noqa: F401

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_django.fixtures import SettingsWrapper

pytestmark = pytest.mark.django_db(transaction=True)

WHO = Scope(secret_text.INSTALLATION, "staff", "0" * 32)


@pytest.mark.parametrize("store", ["vault", "kms", "pkcs11"], indirect=True)
def test_everything_follows_the_newest_root_key(installation: Any, acme: Controller) -> None:  # noqa: F811
    providers.prepare()
    person = register(acme)
    before = ControllerKey.objects.get().provider_key
    installation.rotate()
    forget()
    assert roots.rewrap() == 3  # a controller's key and two root secrets
    forget()
    newest = providers.provider().wrap(bytes(32), ("x",))[0]
    assert newest != before
    assert {row.provider_key for row in (*ControllerKey.objects.all(), *RootSecret.objects.all())} == {newest}
    assert read(person) == ADDRESS
    assert vault.match(acme.pk, "email", ADDRESS) == person
    assert roots.rewrap() == 0  # again changes nothing
    counted = LedgerEntry.objects.filter(type="key.rewrapped")
    assert counted.count() == 2


@pytest.mark.parametrize("store", ["vault"], indirect=True)
def test_the_old_version_may_then_be_forbidden(installation: Any, acme: Controller) -> None:  # noqa: F811
    providers.prepare()
    person = register(acme)
    sealed = secret_text.seal("JBSWY3DPEHPK3PXP", label="staff.second_factor", scope=WHO)
    installation.rotate()
    call_command("rotate_keys", "--root", stdout=StringIO())
    renewed = secret_text.rewrap(sealed)
    installation.retire_old()
    forget()
    assert read(person) == ADDRESS
    assert secret_text.unseal(renewed, label="staff.second_factor", scope=WHO) == "JBSWY3DPEHPK3PXP"


@pytest.mark.parametrize("store", ["vault"], indirect=True)
def test_an_installation_moves_from_its_key_file(installation: Any, settings: SettingsWrapper, tmp_path: Path) -> None:  # noqa: F811
    keyring.generate(tmp_path / "keyring")
    settings.GOVERNANCE_KEY_PROVIDER, settings.GOVERNANCE_KEY_FILE = "local", str(tmp_path / "keyring")
    forget()
    controller = Controller.objects.create(slug="acme", name="Acme", is_default=True)
    person = register(controller)
    factor = secret_text.seal("JBSWY3DPEHPK3PXP", label="staff.second_factor", scope=WHO)
    sequencer.sequence()
    settings.GOVERNANCE_KEY_PROVIDER = "vault"
    forget()
    call_command("rotate_keys", "--adopt", "local", stdout=StringIO())
    forget()
    assert read(person) == ADDRESS  # through the file
    assert vault.match(controller.pk, "email", ADDRESS) == person
    call_command("rotate_keys", "--root", stdout=StringIO())
    factor = secret_text.rewrap(factor)
    settings.GOVERNANCE_KEY_FILE = str(tmp_path / "gone")
    forget()
    assert set(ControllerKey.objects.values_list("provider", flat=True)) == {"vault"}
    assert read(person) == ADDRESS
    assert vault.match(controller.pk, "email", ADDRESS) == person
    assert secret_text.unseal(factor, label="staff.second_factor", scope=WHO) == "JBSWY3DPEHPK3PXP"
    sequencer.sequence()
    assert verify().is_ok  # checkpoints of before and after
    with pytest.raises(CommandError, match="already"):
        call_command("rotate_keys", "--adopt", "local")


def test_a_key_file_has_nothing_to_adopt_into() -> None:
    with pytest.raises(CommandError, match="GOVERNANCE_KEY_PROVIDER"):
        call_command("rotate_keys", "--adopt", "local")


def test_second_factors_follow_the_root_key(settings: SettingsWrapper, tmp_path: Path) -> None:
    """What staff sign in with is sealed under the root key itself."""
    from governance.access import factor_seals
    from governance.models import StaffUser
    from tests.governance.conftest import enrolled
    from tests.governance.keys.providers.stores import LocalStore

    held = LocalStore(tmp_path)
    settings.GOVERNANCE_KEY_FILE = str(held.path)
    forget()
    factor = enrolled(StaffUser.objects.create_user("officer@staff.example"))
    held.rotate()
    forget()
    before = factor.data["secret"]
    assert factor_seals.rewrap() == 1
    factor.refresh_from_db()
    assert factor.data["secret"] != before
    held.retire_old()
    forget()
    scope = Scope(secret_text.INSTALLATION, "staff", factor.user.pk.hex)
    assert secret_text.unseal(factor.data["secret"], label="staff.second_factor", scope=scope)
    forget()

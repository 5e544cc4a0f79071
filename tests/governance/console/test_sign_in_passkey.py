"""A passkey from enrolment to sign-in, in a real browser with a virtual key and the policy in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.utils import timezone

from governance.access import sign_in
from governance.models import Controller, LedgerEntry
from governance.policy.principal import operator
from governance.policy.vocabulary import Role
from tests.browser import chromium
from tests.governance.conftest import PASSWORD, staff

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_django.fixtures import SettingsWrapper
    from pytest_django.live_server_helper import LiveServer

    from tests.browser.chromium import Tab

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
EMAIL = "officer@staff.example"
KEY = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Tab]:
    """A tab of a browser that has a key at hand."""
    if (path := chromium.binary()) is None:
        pytest.skip("needs a browser: apt-get install chromium, or set CHROMIUM_PATH")
    cache.clear()
    browser = chromium.Chromium(path, tmp_path / "profile")
    tab = browser.tab(width=1280)
    tab.call("WebAuthn.enable")
    tab.call("WebAuthn.addVirtualAuthenticator", options=KEY)
    yield tab
    browser.stop()
    cache.clear()


@pytest.fixture
def link(live_server: LiveServer, settings: SettingsWrapper) -> str:
    """The first link of a new officer, in production."""
    settings.GOVERNANCE_DEMO = False
    controller = Controller.objects.create(slug="acme", name="Acme", is_default=True)
    user = staff(controller, Role.PRIVACY_OFFICER, email=EMAIL)
    token = sign_in.issue_link(user, principal=operator(controller.pk.hex), instant=timezone.now())
    # Browsers offer passkeys on https and on this name only.
    return f"{live_server.url.replace('127.0.0.1', 'localhost')}/accounts/link/{token}/"


def at(tab: Tab) -> str:
    found: str = tab.run("location.pathname")
    return found


def enrol(tab: Tab, link: str) -> None:
    tab.open(link).press("Sign in")
    assert at(tab) == "/accounts/2fa/"
    tab.press("Set a password").fill(password1=PASSWORD, password2=PASSWORD).press("Set a password")
    tab.press("Add a passkey")
    assert at(tab) == "/accounts/reauthenticate/"
    tab.fill(password=PASSWORD).press("Confirm")
    tab.fill(name="Laptop").press("Add the passkey")
    assert at(tab) == "/accounts/2fa/codes/"
    tab.press("I have kept them").press("Go to the console")
    assert at(tab) == "/console/"


def test_a_passkey_is_added_and_signs_in(tab: Tab, link: str) -> None:
    enrol(tab, link)
    tab.press("Sign out").fill(login=EMAIL, password=PASSWORD).press("Sign in")
    assert at(tab) == "/accounts/2fa/authenticate/"
    tab.press("Use a passkey")
    assert at(tab) == "/console/"
    arrival = LedgerEntry.objects.filter(type="staff.signed_in").latest("recorded_at")
    assert '"by":["password","webauthn"]' in arrival.payload
    assert tab.noises == []


def test_a_passkey_confirms_and_is_removed(tab: Tab, link: str) -> None:
    enrol(tab, link)
    tab.press("Sign out").fill(login=EMAIL, password=PASSWORD).press("Sign in").press("Use a passkey")
    tab.press("How you sign in").press("Look at your passkeys").press("Remove it")
    assert at(tab) == "/accounts/2fa/passkeys/confirm/"
    tab.press("Use a passkey")
    assert "Remove the passkey Laptop?" in tab.run("document.body.innerText")
    tab.press("Remove it")
    assert not Authenticator.objects.exists()
    assert at(tab.open(link.split("/accounts/", maxsplit=1)[0] + "/console/")) == "/accounts/2fa/"
    assert tab.noises == []


def test_a_key_that_does_not_answer_is_said_on_the_page(tab: Tab, link: str) -> None:
    tab.open(link).press("Sign in").press("Add a passkey")
    # As when somebody presses Cancel in the browser's own window.
    tab.run("navigator.credentials.create = () => Promise.reject(new DOMException('no', 'NotAllowedError'))")
    tab.run("document.getElementById('passkey-button').click()")
    assert tab.run("new Promise(done => setTimeout(() => done(document.activeElement.id), 200))") == "passkey-problem"
    assert at(tab) == "/accounts/2fa/passkeys/add/"
    assert not Authenticator.objects.exists()
    assert tab.noises == []

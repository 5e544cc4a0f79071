"""People, keys and roles that the kernel's tests share; nothing of the workflow apps."""

import time

import pytest
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.account.internal.flows.login import _AUTHENTICATION_METHODS_USER_SESSION_KEY as _WHOSE
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.test import Client

from governance import subjects
from governance.access import grants, second_factor, service_keys
from governance.models import Controller, DataSubject, StaffUser
from governance.policy.principal import Principal, operator
from governance.policy.vocabulary import Role

PASSWORD = "correct horse battery staple"
TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
def controller(db: None) -> Controller:
    return Controller.objects.create(slug="acme", name="Acme", is_default=True)


@pytest.fixture
def other_controller(db: None) -> Controller:
    return Controller.objects.create(slug="umbrella", name="Umbrella")


@pytest.fixture
def person(controller: Controller) -> DataSubject:
    return subjects.register(
        controller, [("email", "jane.doe@example.org"), ("customer_id", "C-1")], principal=operator(controller.pk.hex)
    )


def staff(controller: Controller, *roles: Role, email: str = "") -> StaffUser:
    user = StaffUser.objects.create_user(email or f"{'-'.join(roles) or 'nobody'}@staff.example")
    grants.serve(user, controller, list(roles), principal=operator(controller.pk.hex))
    return user


def enrolled(user: StaffUser, password: str = PASSWORD) -> Authenticator:
    """Give somebody a password and an authenticator app with the secret below."""
    user.set_password(password)
    user.save()
    with second_factor.owner(user):
        return TOTP.activate(user, TOTP_SECRET).instance


def signed_in(user: StaffUser, client: Client | None = None, *, seconds_ago: float = 0) -> Client:
    """Sit somebody down with a second factor shown some time ago; signing in itself is tested on its own."""
    factor = Authenticator.objects.filter(user=user).first() or enrolled(user)
    client = client or Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    session = client.session
    shown = {"method": "mfa", "id": factor.pk, "type": factor.type, "at": time.time() - seconds_ago}
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [shown]
    session[_WHOSE] = str(user.pk)
    session.save()
    return client


@pytest.fixture
def officer(controller: Controller) -> StaffUser:
    return staff(controller, Role.PRIVACY_OFFICER)


def service(controller: Controller, *roles: Role, purposes: tuple[str, ...] = ("*",), name: str = "shop") -> str:
    principal: Principal = operator(controller.pk.hex)
    account = service_keys.create_account(controller, name, list(roles), list(purposes), principal=principal)
    return service_keys.issue(account, principal=principal)

"""People, keys and roles that the kernel's tests share; nothing of the workflow apps."""

import pytest

from governance import subjects
from governance.access import grants, service_keys
from governance.models import Controller, DataSubject, StaffUser
from governance.policy.principal import Principal, operator
from governance.policy.vocabulary import Role


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


@pytest.fixture
def officer(controller: Controller) -> StaffUser:
    return staff(controller, Role.PRIVACY_OFFICER)


def service(controller: Controller, *roles: Role, purposes: tuple[str, ...] = ("*",), name: str = "shop") -> str:
    principal: Principal = operator(controller.pk.hex)
    account = service_keys.create_account(controller, name, list(roles), list(purposes), principal=principal)
    return service_keys.issue(account, principal=principal)

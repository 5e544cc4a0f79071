"""Service keys: shown once, stored as digests, refused when unknown, expired, revoked, foreign or malformed."""

from datetime import timedelta

import pytest
from django.utils import timezone

from governance.access import service_keys
from governance.errors import NotAuthenticated
from governance.models import Controller, ServiceAccount, ServiceKey
from governance.policy.principal import operator
from governance.policy.vocabulary import Role
from tests.governance.conftest import service


def test_a_key_names_its_service_and_is_not_stored(controller: Controller) -> None:
    key = service(controller, Role.CHECKER, purposes=("newsletter",))
    principal = service_keys.authenticate(f"Bearer {key}")
    row = ServiceKey.objects.get()
    assert (principal.roles, principal.purposes) == ({Role.CHECKER}, {"newsletter"})
    assert key.rsplit("_", 1)[1].encode() not in bytes(row.digest)


@pytest.mark.parametrize("scheme", ["bearer ", "BEARER ", "Bearer   "])
def test_the_scheme_is_written_in_any_case(controller: Controller, scheme: str) -> None:
    assert service_keys.authenticate(f"{scheme}{service(controller, Role.CHECKER)}").roles == {Role.CHECKER}


@pytest.mark.parametrize("state", ["expired", "revoked", "disabled", "other secret", "unknown"])
def test_a_key_that_is_no_longer_good_is_refused(controller: Controller, state: str) -> None:
    key = service(controller, Role.CHECKER)
    now = timezone.now()
    if state == "expired":
        ServiceKey.objects.all().recorded().update(expires_at=now - timedelta(seconds=1))
    elif state == "revoked":
        service_keys.revoke(ServiceKey.objects.get(), principal=operator(controller.pk.hex))
    elif state == "disabled":
        ServiceAccount.objects.all().recorded().update(disabled_at=now)
    elif state == "other secret":
        key = key[:-1] + ("A" if key[-1] != "A" else "B")
    else:
        ServiceKey.objects.all().recorded().delete()
    with pytest.raises(NotAuthenticated):
        service_keys.authenticate(f"Bearer {key}")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Basic abc", "bearer cxg_0_0", "Bearer cxg_" + "0" * 16])
def test_malformed_headers_are_refused_without_a_query(
    header: str, django_assert_num_queries: object, db: None
) -> None:
    with django_assert_num_queries(0), pytest.raises(NotAuthenticated):
        service_keys.authenticate(header)


def test_a_role_that_is_not_a_services_counts_for_nothing(controller: Controller) -> None:
    key = service(controller, Role.CHECKER)
    ServiceAccount.objects.all().recorded().update(roles=["privacy_officer", "worker", "checker"])
    assert service_keys.authenticate(f"Bearer {key}").roles == {Role.CHECKER}

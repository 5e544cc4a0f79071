"""Wraps the keys of staff's sealed second factors anew after a rotation of the root key; it opens none of them."""

from allauth.mfa.models import Authenticator
from django.db import transaction

from governance.keys import secret_text


def rewrap() -> int:
    """Renew every sealed secret of every member of staff; answers how many."""
    return sum(_rewrap(pk) for pk in Authenticator.objects.order_by("pk").values_list("pk", flat=True))


def _rewrap(pk: int) -> int:
    factor = Authenticator.objects.get(pk=pk)
    renewed = {
        name: secret_text.rewrap(value)
        for name, value in factor.data.items()
        if isinstance(value, str) and value.startswith(secret_text.FORM)
    }
    if not renewed:
        return 0
    with transaction.atomic():
        locked = Authenticator.objects.select_for_update().get(pk=pk)
        # Somebody who enrols anew in this moment keeps what they made.
        same = {name: value for name, value in renewed.items() if locked.data.get(name) == factor.data[name]}
        locked.data.update(same)
        locked.save(update_fields=["data"])
    return len(same)

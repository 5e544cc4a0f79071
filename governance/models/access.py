"""Service accounts with their keys, and guardian's grants with real foreign keys; who may, never the decision."""

import uuid

from django.db import models
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from governance.models.controller import Controller
from governance.models.governed import Governed
from governance.models.system import System


class ServiceAccount(models.Model):
    """An internal service of one controller, with a role and the purposes it may ask about."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="services")
    name = models.SlugField(max_length=64)
    roles = models.JSONField(default=list)
    purposes = models.JSONField(default=list, help_text='Purpose keys the service may name; ["*"] for all.')
    created_at = models.DateTimeField(auto_now_add=True)
    disabled_at = models.DateTimeField(null=True, blank=True)

    objects = Governed()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["controller", "name"], name="serviceaccount_name_unique"),)

    def __str__(self) -> str:
        return f"service:{self.pk}"


class ServiceKey(models.Model):
    """A key of a service: only a digest of the secret is stored."""

    key_id = models.CharField(max_length=16, primary_key=True)
    account = models.ForeignKey(ServiceAccount, on_delete=models.PROTECT, related_name="keys")
    digest = models.BinaryField(max_length=32)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = Governed()

    def __str__(self) -> str:
        return f"service-key:{self.key_id}"


class ControllerUserGrant(UserObjectPermissionBase):
    """Lets one staff member work for a controller. Removed with either side, so no grant is orphaned."""

    content_object = models.ForeignKey(Controller, on_delete=models.CASCADE)


class ControllerGroupGrant(GroupObjectPermissionBase):
    """Lets a group work for a controller."""

    content_object = models.ForeignKey(Controller, on_delete=models.CASCADE)


class SystemUserGrant(UserObjectPermissionBase):
    """Makes one staff member the owner of a system."""

    content_object = models.ForeignKey(System, on_delete=models.CASCADE)


class SystemGroupGrant(GroupObjectPermissionBase):
    """Makes a group the owner of a system."""

    content_object = models.ForeignKey(System, on_delete=models.CASCADE)

"""Service accounts and their keys, guardian's grants with real foreign keys, elevations; who may, not the decision."""

import uuid
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from guardian.managers import GroupObjectPermissionManager, UserObjectPermissionManager
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from governance.models.controller import Controller
from governance.models.governed import Governed, GovernedRows
from governance.models.staff import StaffUser
from governance.models.subject import DataSubject
from governance.models.system import System

# Guardian's bulk calls would change who may see what and tell nobody.
_UserGrants = UserObjectPermissionManager.from_queryset(GovernedRows)
_GroupGrants = GroupObjectPermissionManager.from_queryset(GovernedRows)


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
    """Gives one staff member one role at one controller. Removed with either side, so no grant is orphaned."""

    content_object = models.ForeignKey(Controller, on_delete=models.CASCADE)

    objects: ClassVar[Any] = _UserGrants()


class ControllerGroupGrant(GroupObjectPermissionBase):
    """Guardian asks for it. A row here counts for nothing: a group says what a role is, never where."""

    content_object = models.ForeignKey(Controller, on_delete=models.CASCADE)

    objects: ClassVar[Any] = _GroupGrants()


class SystemUserGrant(UserObjectPermissionBase):
    """Makes one staff member the owner of a system."""

    content_object = models.ForeignKey(System, on_delete=models.CASCADE)

    objects: ClassVar[Any] = _UserGrants()


class SystemGroupGrant(GroupObjectPermissionBase):
    """Guardian asks for it. A row here counts for nothing: systems are owned by people."""

    content_object = models.ForeignKey(System, on_delete=models.CASCADE)

    objects: ClassVar[Any] = _GroupGrants()


class Elevation(models.Model):
    """One breaking of the glass: who may see whose data in clear, why, from when until when, and who reviewed it."""

    class Reason(models.TextChoices):
        """Why it could not wait for an officer; codes are stable."""

        CALLER_CHECK = "caller_check"  # the person is on the line and must be told from somebody else
        DANGER = "danger"  # to somebody's life or health: GDPR Art. 6(1)(d)
        SECURITY_INCIDENT = "security_incident"
        OUTAGE = "outage"  # the system where this is seen otherwise does not answer

    class Finding(models.TextChoices):
        """What the review came to."""

        JUSTIFIED = "justified"
        NOT_JUSTIFIED = "not_justified"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    subject = models.ForeignKey(DataSubject, on_delete=models.PROTECT, related_name="+")
    staff = models.ForeignKey(StaffUser, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=24, choices=Reason)
    taken_at = models.DateTimeField()
    until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=80, blank=True, help_text="Opaque reference; the worker: by itself.")
    reviewed_at = models.DateTimeField(null=True)
    reviewed_by = models.ForeignKey(StaffUser, on_delete=models.PROTECT, null=True, related_name="+")
    finding = models.CharField(max_length=16, choices=Finding, blank=True)

    objects = Governed()

    class Meta:
        indexes = (models.Index(fields=["until"], condition=Q(ended_at__isnull=True), name="elevation_due"),)
        constraints = (
            # The next one waits for the review of the last: two at the same moment cannot both be stored.
            models.UniqueConstraint(
                fields=["controller", "staff"], condition=Q(reviewed_at__isnull=True), name="elevation_one_unreviewed"
            ),
            models.CheckConstraint(
                condition=Q(reviewed_at__isnull=True, reviewed_by__isnull=True, finding="")
                | (Q(reviewed_at__isnull=False, ended_at__isnull=False, reviewed_by__isnull=False) & ~Q(finding="")),
                name="elevation_review_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(reviewed_by__isnull=True) | ~Q(reviewed_by=F("staff")), name="elevation_second_person"
            ),
            models.CheckConstraint(condition=Q(until__gt=F("taken_at")), name="elevation_ends"),
        )

    def __str__(self) -> str:
        return f"elevation:{self.pk}"

"""The people who work with the service; data subjects are not here and never sign in."""

import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.utils import timezone

from governance.models.governed import GovernedRows


class StaffManager(BaseUserManager["StaffUser"]):
    """Makes staff; there is no public sign-up."""

    def get_queryset(self) -> models.QuerySet["StaffUser"]:
        """Govern bulk calls: who is on the staff changes with a ledger row, or not at all."""
        return GovernedRows(self.model, using=self._db)

    def create_user(self, email: str, password: str | None = None, **extra: Any) -> "StaffUser":
        """Create a staff member; without a password only a one-time link signs in."""
        user = self.model(email=self.normalize_email(email).lower(), **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **extra: Any) -> "StaffUser":
        """Create an account for Django's own pages. It is not exempt from the policy (invariant 4)."""
        return self.create_user(email, password, is_superuser=True, **extra)


class StaffUser(AbstractBaseUser, PermissionsMixin):
    """A staff member. The work e-mail is the sign-in name and stays in the clear; the ledger only holds the UUID."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=True)
    date_joined = models.DateTimeField(default=timezone.now)

    objects = StaffManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return f"staff:{self.pk}"


class SignInLink(models.Model):
    """A one-time sign-in link: only a digest is kept, it expires and works once."""

    staff = models.ForeignKey(StaffUser, on_delete=models.CASCADE)  # a link is worthless without its owner
    digest = models.BinaryField(max_length=32, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"sign-in-link:{self.pk}"

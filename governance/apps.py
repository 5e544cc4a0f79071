"""Starts the kernel: triggers and roles after each migration, the change diary, its periodic work; nothing else."""

from typing import Any

from django.apps import AppConfig
from django.apps import apps as current_apps
from django.db import connections
from django.db.models.signals import post_migrate


class GovernanceConfig(AppConfig):
    """The kernel."""

    name = "governance"
    verbose_name = "Governance"

    def ready(self) -> None:
        """Wire what Django offers only as hooks; domain flow never runs through signals."""
        from governance import checks, registry  # noqa: F401  # importing registers the system checks
        from governance.api import idempotency
        from governance.audit import change_log  # models are ready only now
        from governance.subjects import letters, proving

        change_log.register()
        registry.register_work("idempotency", idempotency.forget_old)
        registry.register_work("letters", letters.deliver_due)
        registry.register_work("proofs", proving.purge_expired)
        # SQLite drops triggers when a migration rebuilds a table (invariant 14).
        post_migrate.connect(_install_triggers, dispatch_uid="governance.append_only")
        post_migrate.connect(_seed_roles, sender=self, dispatch_uid="governance.roles")


def _install_triggers(using: str = "default", **_kwargs: Any) -> None:
    from governance.models import append_only  # models are ready only now

    append_only.install(connections[using])


def _seed_roles(using: str = "default", apps: Any = None, **_kwargs: Any) -> None:
    """Make the group of each staff role. Not a migration: those must not read the vocabulary, which grows."""
    from governance.policy.vocabulary import STAFF_ROLES

    try:
        # A flush between tests sends the signal without the historical apps.
        groups = (apps or current_apps).get_model("auth", "Group").objects.using(using)
    except LookupError:  # migrated back to before there were groups
        return
    known = set(groups.values_list("name", flat=True))
    groups.bulk_create(groups.model(name=role.value) for role in STAFF_ROLES if role.value not in known)

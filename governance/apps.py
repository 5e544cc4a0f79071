"""Starts the kernel: triggers and roles after each migration, the change diary, its periodic work; nothing else."""

from typing import Any

from django.apps import AppConfig
from django.apps import apps as current_apps
from django.db import connections
from django.db.models.signals import m2m_changed, post_migrate


class GovernanceConfig(AppConfig):
    """The kernel."""

    name = "governance"
    verbose_name = "Governance"

    def ready(self) -> None:
        """Wire what Django offers only as hooks; domain flow never runs through signals."""
        from governance import checks, incidents, registry  # noqa: F401  # importing registers the system checks
        from governance.access import decision_log, elevation
        from governance.alarms import raising, telling
        from governance.api import idempotency
        from governance.audit import bulk, change_log, witnessing  # models are ready only now
        from governance.keys import rotation
        from governance.models import governed
        from governance.subjects import erasing, letters, proving
        from governance.vault import resealing, tokens

        change_log.register()
        governed.summarise_with(bulk.summarise)
        _guard_memberships()
        registry.register_erasure(decision_log.forget)
        registry.register_work("alarms", raising.work)
        registry.register_work("alarms_told", telling.deliver_due)
        registry.register_work("decision_log", decision_log.trim)
        registry.register_work("elevations", elevation.work)
        registry.register_work("erasures", erasing.work)
        registry.register_work("idempotency", idempotency.forget_old)
        registry.register_work("keys", rotation.work)
        registry.register_work("keys_compromised", resealing.work)
        registry.register_work("incidents", incidents.tell_people)
        registry.register_work("letters", letters.deliver_due)
        registry.register_work("proofs", proving.purge_expired)
        registry.register_work("tokens", tokens.expire)
        registry.register_work("witnesses", witnessing.submit_due)
        # SQLite drops triggers when a migration rebuilds a table (invariant 14).
        post_migrate.connect(_prepare_tables, dispatch_uid="governance.append_only")
        post_migrate.connect(_seed_roles, sender=self, dispatch_uid="governance.roles")
        post_migrate.connect(_prepare_keys, sender=self, dispatch_uid="governance.keys")


def _prepare_tables(using: str = "default", **_kwargs: Any) -> None:
    from governance.keys import rotation  # models are ready only now
    from governance.models import append_only  # likewise

    append_only.install(connections[using])
    rotation.leave_room(connections[using])


def _prepare_keys(using: str = "default", **_kwargs: Any) -> None:
    """Make the root secrets where a key store keeps none. A store that is away stops no migration: /readyz is red."""
    import structlog
    from django.conf import settings

    from governance.errors import KeyUnavailable
    from governance.keys import providers

    if settings.GOVERNANCE_KEY_PROVIDER in {"env", "local"} or connections[using].in_atomic_block:
        return
    if "governance_rootsecret" not in connections[using].introspection.table_names():
        return  # migrated back to before there were any
    try:
        providers.prepare()
    except KeyUnavailable as refused:
        structlog.get_logger(__name__).warning("keys.not_prepared", reason=refused.detail)


def _guard_memberships() -> None:
    """Refuse changes of group membership that nobody records: Django writes them past every manager."""
    from governance.models import StaffUser, governed

    for through in (StaffUser.groups.through, StaffUser.user_permissions.through):
        m2m_changed.connect(governed.refuse_membership, sender=through, dispatch_uid=f"governance.{through.__name__}")


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
    _divide_old_grants(using, apps or current_apps)


def _divide_old_grants(using: str, apps: Any) -> None:
    """Make one grant a role of grants from before roles were held per controller, once: the old ones are deleted."""
    from governance.access import grants

    try:
        rows = apps.get_model("governance", "ControllerUserGrant").objects.using(using)
        permissions = apps.get_model("auth", "Permission").objects.using(using)
    except LookupError:  # migrated back to before there were grants
        return
    grants.divide(rows, permissions)

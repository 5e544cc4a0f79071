"""What officers do about alarms: acknowledge one, set thresholds, name the hook; each with its ledger row."""

from collections.abc import Mapping

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from governance import access, audit, vault
from governance.alarms import hooks
from governance.alarms.rules import RULES
from governance.errors import BadInput, Conflict, FieldError
from governance.fields import Scope
from governance.models import AlarmHook, AlarmRule, Alert, AlertAcknowledgement, Controller, StaffUser
from governance.policy.principal import STAFF, Principal
from governance.policy.vocabulary import Action, AuditType


@transaction.atomic(durable=True)
def acknowledge(alert: Alert, *, principal: Principal, finding: str) -> AlertAcknowledgement:
    """Say what an alarm was. Raises Conflict for one that was settled before, or that is about the person themselves.

    Where one officer works alone, and that is recorded, nobody else could.
    """
    if alert.actor_ref == principal.ref and not alert.controller.single_officer:
        raise Conflict(gettext("This alarm is about you: somebody else must look at it"))
    if AlertAcknowledgement.objects.filter(alert=alert).exists():
        raise Conflict(gettext("Somebody acknowledged this alarm already"))
    by = StaffUser.objects.get(pk=principal.id)
    made = AlertAcknowledgement.objects.create(alert=alert, by=by, finding=finding, at=timezone.now())
    audit.record(
        AuditType.ALARM_ACKNOWLEDGED,
        actor=principal,
        controller_id=alert.controller_id,
        object_ref=f"alert:{alert.pk.hex}",
        decision=finding,
        details={"rule": alert.rule, "own": alert.actor_ref == f"{STAFF}:{principal.id}"},
    )
    return made


@transaction.atomic(durable=True)
def set_rule(
    controller: Controller, rule: str, *, is_on: bool, values: Mapping[str, int], principal: Principal
) -> list[str]:
    """Set the thresholds of a rule; answers what differs now. Raises BadInput naming each number out of bounds."""
    _require_bounds(rule, values)
    row = AlarmRule.objects.select_for_update().filter(controller=controller, rule=rule).first()
    row = row or AlarmRule(controller=controller, rule=rule)
    before = {name: row.values.get(name, each.default) for name, each in RULES[rule].thresholds.items()}
    changed = sorted(name for name, value in values.items() if before[name] != value)
    changed += ["is_on"] if row.is_on != is_on else []
    if not changed:
        return []
    row.is_on, row.values = is_on, {**before, **values}
    row.save()
    rules, ruleset = access.decided(principal, Action.ALARM_CHANGE, controller.pk)
    audit.record(
        AuditType.ALARM_RULE_CHANGED,
        actor=principal,
        controller_id=controller.pk,
        rules=rules,
        ruleset=ruleset,
        object_ref=f"alarm_rule:{rule}",
        # What the alarm looked for before is evidence when somebody turned it down first.
        details={"fields": changed, "on": is_on, **{f"old_{name}": before[name] for name in before}, **row.values},
    )
    return changed


def set_hook(controller: Controller, url: str, *, principal: Principal) -> str:
    """Have alarms posted to an address, or to none for an empty one; answers the secret, the only time it is seen."""
    if url:
        hooks.require_usable(url)  # asks the name service, so no transaction is open yet
    return _set_hook(controller, url, principal)


@transaction.atomic(durable=True)
def _set_hook(controller: Controller, url: str, principal: Principal) -> str:
    secret = ""
    if url:
        scope, secret = Scope(controller.pk.hex, "controller", controller.pk.hex), hooks.new_secret()
        row = AlarmHook.objects.filter(controller=controller).first() or AlarmHook(controller=controller)
        row.url = vault.seal(url, label="alarm.url", scope=scope)
        row.secret = vault.seal(secret, label="alarm.secret", scope=scope)
        row.changed_at = timezone.now()
        row.save()
    elif (held := AlarmHook.objects.filter(controller=controller).first()) is not None:
        held.delete()
    rules, ruleset = access.decided(principal, Action.ALARM_CHANGE, controller.pk)
    audit.record(
        AuditType.ALARM_RULE_CHANGED,
        actor=principal,
        controller_id=controller.pk,
        rules=rules,
        ruleset=ruleset,
        object_ref=f"alarm_hook:{controller.pk.hex}",
        details={"fields": ["hook"], "on": bool(url)},
    )
    return secret


def _require_bounds(rule: str, values: Mapping[str, int]) -> None:
    known = RULES[rule].thresholds
    errors = [
        FieldError(
            f"/{name}",
            gettext("Give a number from %(least)s to %(most)s")
            % {"least": known[name].lowest, "most": known[name].highest},
        )
        for name, value in values.items()
        if name in known and not known[name].lowest <= value <= known[name].highest
    ]
    if errors or values.keys() - known.keys():
        raise BadInput(gettext("A threshold is out of bounds"), errors=errors)

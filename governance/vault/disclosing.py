"""Who may see which values, in which form, and the record of it, committed first; it opens nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef

from governance import access, audit, ledger
from governance.access import elevation
from governance.access.enforcement import NO_FORM, OTHER_PERSON, OTHER_PURPOSE, RESTRICTED, deny, permitting
from governance.errors import AccessDenied
from governance.keys import data_keys
from governance.ledger import LedgerEvent
from governance.models import DataSubject, Erasure
from governance.policy import fingerprint
from governance.policy.forms import Form, form_of
from governance.policy.principal import DATA_SUBJECT
from governance.policy.vocabulary import OPEN_UNDER_RESTRICTION, Action, AuditType, RevealPurpose

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from governance.fields import Scope
    from governance.keys.data_key_rows import OpenKey
    from governance.policy.opaque import Detail
    from governance.policy.principal import Principal

    #: One value to be shown: its label and whose it is.
    Shown = tuple[str, Scope]


@dataclass(frozen=True, slots=True)
class Forms:
    """In which form each value is shown, and under whose elevation: what is elevated is so for one owner alone."""

    #: By controller, label, and whether an elevation for the owner runs.
    found: Mapping[tuple[str, str, bool], Form]
    #: The elevation's id in hex, for the owners that there is one for.
    elevations: Mapping[Scope, str]

    def of(self, label: str, scope: Scope) -> Form:
        """Answer the form of one value."""
        return self.found[scope.controller, label, scope in self.elevations]


#: Said to whoever may see the person, who then knows what to do.
UNDER_RESTRICTION: Final = (
    "This person's data is restricted (GDPR Art. 18). It opens with their consent, for their own request, for a legal "
    "claim, for the rights of others or for important public interest"
)
PURPOSES: Final = frozenset(each.value for each in RevealPurpose)


def forms_for(principal: Principal, purpose: str, shown: Sequence[Shown]) -> Forms:
    """Answer the form of each value. Raises AccessDenied or NotFound where one may not be seen at all."""
    for controller in sorted({scope.controller for _label, scope in shown}):
        access.require(principal, _action(principal, controller), controller_id=UUID(controller))
    foreign = principal.kind == DATA_SUBJECT and any(scope.id != principal.id for _label, scope in shown)
    known = purpose in PURPOSES
    if foreign or not known:
        # Free text is not recorded: whoever types a name as the purpose would put it into the ledger.
        _refuse(principal, purpose if known else "", OTHER_PERSON if foreign else OTHER_PURPOSE)
        raise AccessDenied("Name one of the purposes that personal data is opened for")
    elevations = _elevations(principal, shown)
    wanted = dict.fromkeys((scope.controller, label, scope in elevations) for label, scope in shown)
    found = {}
    for controller, label, is_elevated in wanted:
        form = form_of(principal.roles_at(controller), label, is_elevated=is_elevated)
        if form is None:
            _refuse(principal, purpose, NO_FORM, UUID(controller))
            raise AccessDenied("Your role does not see values of this kind")
        found[controller, label, is_elevated] = form
    return Forms(found, elevations)


def barred(principal: Principal, purpose: str, shown: Sequence[Shown]) -> frozenset[Scope]:
    """Name the owners whose data is restricted and may not be opened for this purpose (GDPR Art. 18(2)).

    Each is a denial in the ledger. No query for a purpose that stays possible, nor for the person themself. Whose
    erasure waits in its grace is not named: nothing of theirs opens for any purpose, and that is said of them.
    """
    people = {UUID(scope.id): scope for _label, scope in shown if scope.kind == "subject"}
    if not people or purpose in OPEN_UNDER_RESTRICTION or principal.kind == DATA_SUBJECT:
        return frozenset()
    ending = Erasure.objects.filter(subject=OuterRef("pk"), state=Erasure.State.DISABLED)
    rows = DataSubject.objects.filter(~Exists(ending), pk__in=list(people), status=DataSubject.Status.RESTRICTED)
    found = list(rows)
    for row in found:
        deny(
            principal,
            Action.SUBJECT_REVEAL,
            controller_id=row.controller_id,
            resource=row,
            purpose=purpose,
            rule=RESTRICTED,
        )
    return frozenset(people[row.pk] for row in found)


def record(shown: Sequence[Shown], forms: Forms, principal: Principal, purpose: str, object_ref: str) -> Keys:
    """Open the owners' keys and commit what is about to be shown; answers the keys, None for an owner without one."""
    keys = data_keys.opener({scope for _label, scope in shown})
    living: dict[Scope, Counter[str]] = {}
    for label, scope in shown:
        if keys[scope] is not None:
            living.setdefault(scope, Counter())[label] += 1
    # Durable: a surrounding transaction could still roll the record back.
    with transaction.atomic(durable=True):
        _write(living, forms, principal, purpose, object_ref)
    return keys


if TYPE_CHECKING:
    Keys = Mapping[Scope, OpenKey | None]


def _action(principal: Principal, controller: str) -> Action:
    """Answer the right that shows values here: everything clear, or each in the form that the table gives."""
    return Action.SUBJECT_VIEW if principal.may(Action.SUBJECT_VIEW, controller) else Action.SUBJECT_REVEAL


def _elevations(principal: Principal, shown: Sequence[Shown]) -> Mapping[Scope, str]:
    """Answer the owners for whom this principal broke the glass; nothing is asked for whoever has none to break."""
    if not (served := principal.controllers_where(Action.ACCESS_ELEVATE)):
        return {}
    people = {scope for _label, scope in shown if scope.kind == "subject" and scope.controller in served}
    found = elevation.running(principal, [UUID(scope.id) for scope in people])
    return {scope: found[UUID(scope.id)] for scope in people if UUID(scope.id) in found}


def _refuse(principal: Principal, purpose: str, rule: str, controller_id: UUID | None = None) -> None:
    deny(principal, Action.SUBJECT_REVEAL, controller_id=controller_id, resource=None, purpose=purpose, rule=rule)


def _write(
    labels: Mapping[Scope, Counter[str]], forms: Forms, principal: Principal, purpose: str, object_ref: str
) -> None:
    """Write one row for each owner, in a constant number of statements for each controller and kind."""
    rules = {
        each.controller: permitting(principal, _action(principal, each.controller), each.controller) for each in labels
    }
    people: dict[tuple[str, str], dict[UUID, dict[str, Detail]]] = {}
    for scope, found in labels.items():
        if scope.kind == "subject":
            together = people.setdefault((scope.controller, forms.elevations.get(scope, "")), {})
            together[UUID(scope.id)] = _details(scope, found, forms)
    for (controller, elevated), about in sorted(people.items()):
        audit.record_each(
            AuditType.SUBJECT_REVEALED,
            actor=principal,
            controller_id=UUID(controller),
            about=about,
            object_ref=object_ref or (f"elevation:{elevated}" if elevated else ""),
            purpose=purpose,
            decision="allow",
            rules=[*([f"elevation:{elevated}"] if elevated else []), *rules[controller]],
            ruleset=fingerprint.roles(),
        )
    ledger.append_many(
        [
            LedgerEvent(
                type=AuditType.SUBJECT_REVEALED,
                actor_ref=principal.ref,
                controller_id=UUID(scope.controller),
                object_ref=object_ref or f"{scope.kind}:{scope.id}",
                purpose=purpose,
                decision="allow",
                rules=rules[scope.controller],
                ruleset=fingerprint.roles(),
                details=_details(scope, found, forms),
            )
            for scope, found in labels.items()
            if scope.kind != "subject"
        ]
    )


def _details(scope: Scope, labels: Counter[str], forms: Forms) -> dict[str, Detail]:
    shown = sorted({forms.of(label, scope).value for label in labels})
    return {"labels": sorted(labels), "values": sum(labels.values()), "forms": shown}

"""What the console says for the codes of decisions and choices: one table each, complete by test; no logic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from consent.lifecycle import UNKNOWN, State
from governance.policy.decide import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django_stubs_ext import StrPromise

OUTCOME_WORDS: Final[Mapping[str, StrPromise]] = {
    Outcome.ALLOW: _("allowed"),
    Outcome.DENY: _("not allowed"),
    Outcome.DEFER: _("not now"),
    Outcome.RESTRICTED: _("allowed for some data"),
}
STATE_WORDS: Final[Mapping[str, StrPromise]] = {
    State.REQUESTED: _("asked"),
    State.PENDING_CONFIRMATION: _("said yes, not confirmed yet"),
    State.GIVEN: _("yes"),
    State.REFUSED: _("no"),
    State.WITHDRAWN: _("taken back by the person"),
    State.REVOKED: _("ended by us"),
    State.EXPIRED: _("run out"),
    State.INVALIDATED: _("found not to count"),
    State.OBJECTED: _("objected"),
    UNKNOWN: _("never asked"),
}
METHOD_WORDS: Final[Mapping[str, StrPromise]] = {
    "api": _("through a service"),
    "double_opt_in": _("by confirming a message"),
    "import": _("in an earlier system"),
    "in_person": _("in person"),
    "one_click": _("by the link in a message"),
    "phone": _("on the phone"),
    "preference_centre": _("in the preference centre"),
    "staff": _("through staff"),
    "web_form": _("in a form"),
}
#: By reason code of the decision; beside the words the page shows the code, as services get it.
REASON_WORDS: Final[Mapping[str, StrPromise]] = {
    "BASIS_NOT_FOR_MARKETING": _("What this rests on does not carry advertising"),
    "CLIENT_NOT_AUTHORISED": _("The service that asks may not use this purpose"),
    "CONSENT_AFTER_OBJECTION": _("The person said yes after an objection"),
    "CONSENT_EXPIRED": _("The yes has run out"),
    "CONSENT_GIVEN": _("The person said yes"),
    "CONSENT_INVALIDATED": _("The yes was found not to count"),
    "CONSENT_PENDING": _("The yes is not confirmed yet"),
    "CONSENT_REFUSED": _("The person said no"),
    "CONSENT_REVOKED": _("We ended the consent"),
    "CONSENT_WITHDRAWN": _("The person took the consent back"),
    "CONTRACT": _("Needed for a contract"),
    "DEFAULT_DENY": _("Nothing allows it"),
    "EPRIVACY_CONSENT_REQUIRED": _("Advertising over this channel needs consent"),
    "EVIDENCE_MISSING": _("It is not on file what the person was shown"),
    "EXPLICIT_CONSENT_REQUIRED": _("The yes must be explicit for this kind of data"),
    "LEGAL_OBLIGATION": _("A law asks for it"),
    "LEGITIMATE_INTEREST": _("A legitimate interest"),
    "NO_RECORD": _("Nobody has asked this person"),
    "OBJECTION_DM": _("The person objected to advertising"),
    "OBJECTION_PENDING": _("The person objected"),
    "OPERATION_NOT_REGISTERED": _("What this rests on does not carry this use"),
    "POLICY_VERSION_STALE": _("Our notice has changed since the yes"),
    "PUBLIC_TASK": _("A task in the public interest"),
    "PURPOSE_UNKNOWN": _("There is no such purpose"),
    "RESTRICTED": _("The use of this person's data is restricted"),
    "RULE_ERROR": _("A rule could not be read; so it is not allowed"),
    "SCOPE": _("Only the data that the purpose names"),
    "SUBJECT_ERASED": _("The person was erased"),
    "VITAL_INTEREST": _("Somebody's life is at stake"),
}

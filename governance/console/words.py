"""Plain words for codes: events, classes, roles, reasons, who acts. One table each, complete by test; no logic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from governance.policy.event_classes import EventClass
from governance.policy.vocabulary import Action, AuditType, RevealPurpose, Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django_stubs_ext import StrPromise

_T = AuditType
EVENT_WORDS: Final[Mapping[str, StrPromise]] = {
    _T.ACCESS_DENIED: _("Somebody was refused"),
    _T.ACCESS_ELEVATED: _("The glass was broken: one person's data in clear for a while"),
    _T.ACCESS_ELEVATION_ENDED: _("A broken glass was closed"),
    _T.ACCESS_ELEVATION_REVIEWED: _("A broken glass was reviewed"),
    _T.ADDRESS_PROVEN: _("An address was proven"),
    _T.ADDRESS_REFUSED: _("A one-time code was refused"),
    _T.ALARM_ACKNOWLEDGED: _("An alarm was acknowledged"),
    _T.ALARM_RAISED: _("An alarm was raised"),
    _T.ALARM_RULE_CHANGED: _("Thresholds of alarms were changed"),
    _T.BACKUP_MADE: _("A backup was made"),
    _T.BACKUP_RESTORED: _("A backup was restored"),
    _T.COLUMN_SEALED: _("A column was sealed"),
    _T.CONSENT_RECORDED: _("A choice was recorded"),
    _T.CONTACT_RECORDED: _("Messages that were sent were logged"),
    _T.BRAND_CHANGED: _("A brand was set up or changed"),
    _T.CONTROLLER_CHANGED: _("A controller's facts were changed"),
    _T.CONTROLLER_CREATED: _("A controller was set up"),
    _T.COVERAGE_SURVEYED: _("It was surveyed what is sealed and what is not"),
    _T.DATASET_IMPORTED: _("A description of data was imported"),
    _T.ERASURE_CERTIFIED: _("The destruction of a person's data was certified"),
    _T.ERASURE_DISABLED: _("A person's key was disabled, to be destroyed later"),
    _T.ERASURE_HELD: _("An erasure waits for a hold to end"),
    _T.ERASURE_REFUTED: _("Something of an erased person still opened"),
    _T.ERASURE_REPLAYED: _("An erasure was carried out again after a restore"),
    _T.ERASURE_UNDONE: _("An erasure was undone in time"),
    _T.EXPORT_MADE: _("Evidence or events were exported"),
    _T.GRANT_CHANGED: _("A role was given or taken"),
    _T.HOLD_PLACED: _("A hold was placed: nothing is erased meanwhile"),
    _T.HOLD_RELEASED: _("A hold was released"),
    _T.INCIDENT_AUTHORITY_TOLD: _("The authority was told of a breach"),
    _T.INCIDENT_CLOSED: _("A breach was closed"),
    _T.INCIDENT_COUNTED: _("Whom a breach touched was counted"),
    _T.INCIDENT_DECIDED: _("Whether to tell somebody of a breach was decided"),
    _T.INCIDENT_NOTED: _("Something was noted about a breach"),
    _T.INCIDENT_OPENED: _("A breach was put on record"),
    _T.INCIDENT_PERSONS_TOLD: _("The people were told of a breach"),
    _T.INDEX_ROTATED: _("Search entries were made anew under a new key"),
    _T.KEY_COMPROMISED: _("A key was marked as compromised"),
    _T.KEY_CREATED: _("A key was made"),
    _T.KEY_DESTROYED: _("A key was destroyed"),
    _T.KEY_RESEALED: _("Values were sealed anew under a newer key"),
    _T.KEY_RETIRED: _("A key was retired: nothing lies under it any more"),
    _T.KEY_REWRAPPED: _("Keys were wrapped anew"),
    _T.KEY_ROTATED: _("A new period of a key began"),
    _T.LETTER_FAILED: _("A letter could not be delivered"),
    _T.NOTICE_PUBLISHED: _("A privacy notice was published"),
    _T.PURPOSE_CHANGED: _("A purpose was changed"),
    _T.REQUEST_CHANGED: _("A request moved on"),
    _T.REQUEST_CODE_FAILED: _("A wrong code was given for a request"),
    _T.REQUEST_DELIVERED: _("A copy was downloaded"),
    _T.REQUEST_RECEIVED: _("A request came in"),
    _T.ROWS_CHANGED: _("Many rows were changed at once"),
    _T.SERVICE_CREATED: _("A service was registered"),
    _T.SERVICE_KEY_ISSUED: _("A service got a key"),
    _T.SERVICE_KEY_REVOKED: _("A key of a service was revoked"),
    _T.STAFF_CHANGED: _("A member of staff was changed"),
    _T.STAFF_CREATED: _("Somebody joined the staff"),
    _T.STAFF_FACTOR_ADDED: _("A way to sign in was added"),
    _T.STAFF_FACTOR_REMOVED: _("A way to sign in was removed"),
    _T.STAFF_LINK_ISSUED: _("A sign-in link was made"),
    _T.STAFF_SIGNED_IN: _("Somebody signed in"),
    _T.STAFF_SIGNED_OUT: _("Somebody signed out"),
    _T.STAFF_SIGN_IN_FAILED: _("A sign-in failed"),
    _T.STEP_FINISHED: _("A step on a connected system ended"),
    _T.SUBJECT_ERASED: _("A person was erased here"),
    _T.SUBJECT_IDENTIFIER_ADDED: _("An identifier was added"),
    _T.SUBJECT_IDENTIFIER_VERIFIED: _("Staff verified an identifier"),
    _T.SUBJECT_LOOKED_UP: _("Somebody was looked up"),
    _T.SUBJECT_REGISTERED: _("A person was registered"),
    _T.SUBJECT_RESTRICTED: _("The use of a person's data was restricted"),
    _T.SUBJECT_RESTRICTION_LIFTED: _("The restriction of a person's data was lifted"),
    _T.SUBJECT_REVEALED: _("A sealed value was opened"),
    _T.SYSTEM_CHANGED: _("A connected system was changed"),
    _T.VALUE_TOKENISED: _("A token was made for a value"),
    _T.WITNESS_CONFLICT: _("A witness holds a checkpoint that this ledger does not extend"),
}
CLASS_WORDS: Final[Mapping[int, StrPromise]] = {
    EventClass.AUTHENTICATION: _("Signing in and proving"),
    EventClass.ENTITY_MANAGEMENT: _("Changes"),
    EventClass.USER_ACCESS_MANAGEMENT: _("Rights, roles and accounts"),
    EventClass.API_ACTIVITY: _("Refusals"),
    EventClass.DATASTORE_ACTIVITY: _("Reading and exporting personal data"),
}
ROLE_WORDS: Final[Mapping[str, StrPromise]] = {
    Role.ADMINISTRATOR: _("Administrator"),
    Role.ANALYST: _("Analyst"),
    Role.AUDITOR: _("Auditor"),
    Role.PRIVACY_OFFICER: _("Privacy officer"),
    Role.SUPPORT_AGENT: _("Support agent"),
    Role.SYSTEM_OWNER: _("System owner"),
    Role.CHECKER: _("A service that asks before it acts"),
    Role.COLLECTOR: _("A service that records choices"),
    Role.INTEGRATOR: _("A connected service"),
    Role.MONITOR: _("A service that verifies the ledger"),
    Role.VAULT_READER: _("A service that reads from the vault"),
    Role.WORKER: _("This service itself"),
    Role.DATA_SUBJECT: _("The person"),
}
#: What a role may do.
ACTION_WORDS: Final[Mapping[str, StrPromise]] = {
    Action.ACCESS_ELEVATE: _("Break the glass: see one person's data in clear for a while"),
    Action.ACCESS_REVIEW: _("Review broken glasses"),
    Action.ALARM_ACKNOWLEDGE: _("Acknowledge alarms"),
    Action.ALARM_CHANGE: _("Change what raises an alarm"),
    Action.AUDIT_EXPORT: _("Export evidence and events"),
    Action.AUDIT_READ: _("Read the ledger and the settings"),
    Action.CATALOGUE_CHANGE: _("Describe data, purposes and notices"),
    Action.CATALOGUE_READ: _("Read descriptions of data, purposes and notices"),
    Action.CONSENT_CHECK: _("Ask whether a use is allowed"),
    Action.CONSENT_READ: _("See what people chose"),
    Action.CONSENT_RECORD: _("Record what people chose"),
    Action.CONSOLE_ENTER: _("Enter the console"),
    Action.INCIDENT_DECIDE: _("Decide whom to tell of a breach"),
    Action.INCIDENT_OPEN: _("Put a breach on record"),
    Action.INCIDENT_READ: _("Read about breaches"),
    Action.REQUEST_APPROVE: _("Approve plans of requests"),
    Action.REQUEST_CREATE: _("Record requests of people"),
    Action.REQUEST_READ: _("Read requests"),
    Action.REQUEST_REFUSE: _("Refuse requests"),
    Action.REQUEST_WORK: _("Work on requests: extend, hold, pause, answer, close"),
    Action.SUBJECT_FIND: _("Find people by an identifier"),
    Action.SUBJECT_HOLD: _("Place and release legal holds, take an erasure back"),
    Action.SUBJECT_REGISTER: _("Register people"),
    Action.SUBJECT_RESTRICT: _("Restrict the use of a person's data"),
    Action.SUBJECT_REVEAL: _("Open sealed values in clear"),
    Action.SUBJECT_VERIFY: _("Verify an identifier of a person"),
    Action.SUBJECT_VIEW: _("Open sealed values in the form of the role"),
    Action.SYSTEM_CHANGE: _("Connect systems and change them"),
    Action.SYSTEM_OWN: _("See their own systems and the steps on them"),
    Action.SYSTEM_READ: _("Read about connected systems"),
    Action.VAULT_DETOKENISE: _("Turn tokens back into values"),
    Action.VAULT_REVEAL: _("Open values that services sealed"),
    Action.VAULT_SEAL: _("Seal values"),
    Action.VAULT_TOKENISE: _("Make tokens for values"),
}
#: Why a value is opened. The first person is the one who reads: staff, or the person whose data it is.
REASON_WORDS: Final[Mapping[str, StrPromise]] = {
    RevealPurpose.ACCESS_PACKAGE: _("Making the copy that was asked for"),
    RevealPurpose.ADDRESS_PROOF: _("Sending a one-time code"),
    RevealPurpose.CUSTOMER_SUPPORT: _("Helping the person with a question"),
    RevealPurpose.DEMONSTRATION_MAILBOX: _("Showing a letter in the demonstration"),
    RevealPurpose.FRAUD_PREVENTION: _("Looking into suspected fraud"),
    RevealPurpose.LEGAL_CLAIM: _("A legal claim"),
    RevealPurpose.LETTER_DELIVERY: _("Sending a letter"),
    RevealPurpose.PREFERENCE_CENTRE: _("Showing the person their own choices"),
    RevealPurpose.PUBLIC_INTEREST: _("Important public interest"),
    RevealPurpose.RIGHTS_OF_OTHERS: _("Protecting the rights of somebody else"),
    RevealPurpose.SECURITY_INCIDENT: _("Looking into a security incident"),
    RevealPurpose.SUBJECT_CONSENT: _("The person agreed to it"),
    RevealPurpose.SUBJECT_REQUEST: _("Answering the person's own request"),
    RevealPurpose.SYSTEM_CONNECTION: _("Reaching a connected system"),
}
#: How a person stands.
STANDING_WORDS: Final[Mapping[str, StrPromise]] = {
    "active": _("active"),
    "restricted": _("restricted: stored, and not used"),
    "erased": _("erased"),
}
IDENTIFIER_WORDS: Final[Mapping[str, StrPromise]] = {
    "email": _("E-mail address"),
    "phone": _("Phone number"),
    "customer_id": _("Customer number"),
    "device_id": _("Device"),
}
#: A part of an identifier, by the index that finds it, where the installation keeps one.
PART_WORDS: Final[Mapping[str, StrPromise]] = {
    "customer_id.last_4": _("Last four digits of the customer number"),
    "email.domain": _("Domain of the e-mail address"),
    "phone.last_4": _("Last four digits of the phone number"),
}
#: Why a step on a connected system failed. The page says what to do; the code stays for who looks it up.
FAILURE_WORDS: Final[Mapping[str, StrPromise]] = {
    "key.unavailable": _("The key store cannot be used now; the step is tried again."),
    "request.invalid": _("The description of the data does not fit the system; import it again."),
    "seal.refused": _("A value did not open in its place; it was moved or changed."),
    "subject.erased": _("The key of this person or request was destroyed meanwhile."),
    "system.refused": _(
        "The system answered no: it may be read-only, or its account may lack the right to change rows."
    ),
    "system.unavailable": _("The system does not answer; the step is tried again when somebody asks for it."),
}
STEP_WORDS: Final[Mapping[str, StrPromise]] = {
    "locate": _("search"),
    "collect": _("copy"),
    "erase": _("erase"),
    "pending": _("to do"),
    "claimed": _("being done"),
    "done": _("done"),
    "failed": _("failed"),
    "skipped": _("left out"),
}
KEY_WORDS: Final[Mapping[str, StrPromise]] = {
    "active": _("active"),
    "suspended": _("suspended"),
    "deactivated": _("opens only"),
    "compromised": _("compromised"),
    "retired": _("retired"),
    "destroyed": _("destroyed"),
    "expired": _("expired"),
    "revoked": _("revoked"),
}
SCOPE_WORDS: Final[Mapping[str, StrPromise]] = {
    "controller": _("this controller"),
    "incident": _("breaches"),
    "proof": _("addresses to prove"),
    "request": _("requests"),
    "subject": _("people"),
}
ACTOR_WORDS: Final[Mapping[str, StrPromise]] = {
    "data_subject": _("the person"),
    "operator": _("the command line"),
    "service": _("a service"),
    "staff": _("staff"),
    "worker": _("this service"),
}


#: Words for the values of details in an event, by the name of the detail; apps add those that they write.
DETAIL_WORDS: Final[dict[str, Mapping[str, StrPromise]]] = {"type": IDENTIFIER_WORDS, "purpose": REASON_WORDS}
#: What the details of events are called. One without a line reads as its own name.
DETAIL_NAMES: Final[dict[str, StrPromise]] = {
    "before": _("Status before"),
    "event": _("What happened"),
    "labels": _("Kinds of data"),
    "manner": _("How it came in"),
    "rows": _("Rows"),
    "status": _("Status"),
    "types": _("Kinds of identifiers"),
    "until": _("Until"),
}


def words(code: str, known: Mapping[str, StrPromise]) -> str:
    """Answer plain words for a code; an unknown code reads as itself."""
    return str(known.get(code) or code.replace("_", " ").replace(".", " "))


def actor_words(ref: str) -> str:
    """Say who acted, by kind: an id is nobody's name."""
    return words(ref.partition(":")[0], ACTOR_WORDS)

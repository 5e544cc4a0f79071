"""Every action, audit type and role in one alphabetical place; it must not decide anything."""

from enum import StrEnum


class Action(StrEnum):
    """What a principal may ask to do, `resource:verb`. Values are stable: they are stored and audited."""

    ACCESS_ELEVATE = "access:elevate"
    ACCESS_REVIEW = "access:review"
    ALARM_ACKNOWLEDGE = "alarm:acknowledge"
    ALARM_CHANGE = "alarm:change"
    AUDIT_EXPORT = "audit:export"
    AUDIT_READ = "audit:read"
    CATALOGUE_CHANGE = "catalogue:change"
    CATALOGUE_READ = "catalogue:read"
    CONSENT_CHECK = "consent:check"
    CONSENT_READ = "consent:read"
    CONSENT_RECORD = "consent:record"
    CONSOLE_ENTER = "console:enter"
    INCIDENT_DECIDE = "incident:decide"
    INCIDENT_OPEN = "incident:open"
    INCIDENT_READ = "incident:read"
    REQUEST_APPROVE = "request:approve"
    REQUEST_CREATE = "request:create"
    REQUEST_READ = "request:read"
    REQUEST_REFUSE = "request:refuse"
    REQUEST_WORK = "request:work"
    SUBJECT_FIND = "subject:find"
    SUBJECT_HOLD = "subject:hold"
    SUBJECT_REGISTER = "subject:register"
    SUBJECT_RESTRICT = "subject:restrict"
    SUBJECT_REVEAL = "subject:reveal"
    SUBJECT_VERIFY = "subject:verify"
    SUBJECT_VIEW = "subject:view"
    SYSTEM_CHANGE = "system:change"
    SYSTEM_OWN = "system:own"
    SYSTEM_READ = "system:read"
    VAULT_DETOKENISE = "vault:detokenise"
    VAULT_REVEAL = "vault:reveal"
    VAULT_SEAL = "vault:seal"
    VAULT_TOKENISE = "vault:tokenise"


class AuditType(StrEnum):
    """What the ledger records, `resource.verbed`. Values are never reused."""

    ACCESS_DENIED = "access.denied"
    ACCESS_ELEVATED = "access.elevated"
    ACCESS_ELEVATION_ENDED = "access.elevation_ended"
    ACCESS_ELEVATION_REVIEWED = "access.elevation_reviewed"
    ADDRESS_PROVEN = "address.proven"
    ADDRESS_REFUSED = "address.refused"
    ALARM_ACKNOWLEDGED = "alarm.acknowledged"
    ALARM_RAISED = "alarm.raised"
    ALARM_RULE_CHANGED = "alarm.rule_changed"
    BACKUP_MADE = "backup.made"
    BACKUP_RESTORED = "backup.restored"
    BRAND_CHANGED = "brand.changed"
    COLUMN_SEALED = "column.sealed"
    CONSENT_RECORDED = "consent.recorded"
    CONTACT_RECORDED = "contact.recorded"
    CONTROLLER_CHANGED = "controller.changed"
    CONTROLLER_CREATED = "controller.created"
    COVERAGE_SURVEYED = "coverage.surveyed"
    DATASET_IMPORTED = "dataset.imported"
    ERASURE_CERTIFIED = "erasure.certified"
    ERASURE_DISABLED = "erasure.disabled"
    ERASURE_HELD = "erasure.held"
    ERASURE_REFUTED = "erasure.refuted"
    ERASURE_REPLAYED = "erasure.replayed"
    ERASURE_UNDONE = "erasure.undone"
    EXPORT_MADE = "export.made"
    GRANT_CHANGED = "grant.changed"
    HOLD_PLACED = "hold.placed"
    HOLD_RELEASED = "hold.released"
    INCIDENT_AUTHORITY_TOLD = "incident.authority_told"
    INCIDENT_CLOSED = "incident.closed"
    INCIDENT_COUNTED = "incident.counted"
    INCIDENT_DECIDED = "incident.decided"
    INCIDENT_NOTED = "incident.noted"
    INCIDENT_OPENED = "incident.opened"
    INCIDENT_PERSONS_TOLD = "incident.persons_told"
    INDEX_ROTATED = "index.rotated"
    KEY_COMPROMISED = "key.compromised"
    KEY_CREATED = "key.created"
    KEY_DESTROYED = "key.destroyed"
    KEY_RESEALED = "key.resealed"
    KEY_RETIRED = "key.retired"
    KEY_REWRAPPED = "key.rewrapped"
    KEY_ROTATED = "key.rotated"
    LETTER_FAILED = "letter.failed"
    NOTICE_PUBLISHED = "notice.published"
    PURPOSE_CHANGED = "purpose.changed"
    REQUEST_CHANGED = "request.changed"
    REQUEST_CODE_FAILED = "request.code_failed"
    REQUEST_DELIVERED = "request.delivered"
    REQUEST_RECEIVED = "request.received"
    ROWS_CHANGED = "rows.changed"
    SERVICE_CREATED = "service.created"
    SERVICE_KEY_ISSUED = "service.key_issued"
    SERVICE_KEY_REVOKED = "service.key_revoked"
    STAFF_CHANGED = "staff.changed"
    STAFF_CREATED = "staff.created"
    STAFF_FACTOR_ADDED = "staff.factor_added"
    STAFF_FACTOR_REMOVED = "staff.factor_removed"
    STAFF_LINK_ISSUED = "staff.link_issued"
    STAFF_SIGNED_IN = "staff.signed_in"
    STAFF_SIGNED_OUT = "staff.signed_out"
    STAFF_SIGN_IN_FAILED = "staff.sign_in_failed"
    STEP_FINISHED = "step.finished"
    SUBJECT_ERASED = "subject.erased"
    SUBJECT_IDENTIFIER_ADDED = "subject.identifier_added"
    SUBJECT_IDENTIFIER_VERIFIED = "subject.identifier_verified"
    SUBJECT_LOOKED_UP = "subject.looked_up"
    SUBJECT_REGISTERED = "subject.registered"
    SUBJECT_RESTRICTED = "subject.restricted"
    SUBJECT_RESTRICTION_LIFTED = "subject.restriction_lifted"
    SUBJECT_REVEALED = "subject.revealed"
    SYSTEM_CHANGED = "system.changed"
    VALUE_TOKENISED = "value.tokenised"
    WITNESS_CONFLICT = "witness.conflict"


class RevealPurpose(StrEnum):
    """Why sealed data is opened. A reveal names one of these; anything else is denied."""

    ACCESS_PACKAGE = "access_package"
    ADDRESS_PROOF = "address_proof"
    CUSTOMER_SUPPORT = "customer_support"
    DEMONSTRATION_MAILBOX = "demonstration_mailbox"
    FRAUD_PREVENTION = "fraud_prevention"
    LEGAL_CLAIM = "legal_claim"
    LETTER_DELIVERY = "letter_delivery"
    PREFERENCE_CENTRE = "preference_centre"
    PUBLIC_INTEREST = "public_interest"
    RIGHTS_OF_OTHERS = "rights_of_others"
    SECURITY_INCIDENT = "security_incident"
    SUBJECT_CONSENT = "subject_consent"
    SUBJECT_REQUEST = "subject_request"
    SYSTEM_CONNECTION = "system_connection"


#: What a person at the console may choose from; the others belong to machinery.
STAFF_REVEAL_PURPOSES = (
    RevealPurpose.CUSTOMER_SUPPORT,
    RevealPurpose.FRAUD_PREVENTION,
    RevealPurpose.LEGAL_CLAIM,
    RevealPurpose.PUBLIC_INTEREST,
    RevealPurpose.RIGHTS_OF_OTHERS,
    RevealPurpose.SECURITY_INCIDENT,
    RevealPurpose.SUBJECT_CONSENT,
    RevealPurpose.SUBJECT_REQUEST,
)

#: What stays possible while a person's data is restricted: use with their consent, for legal claims, for the rights of
#: others, for important public interest (GDPR Art. 18(2)). Whatever is not here is refused.
OPEN_UNDER_RESTRICTION = frozenset(
    {
        # The person asked for it: their own request, the letters that answer it, their own page.
        RevealPurpose.ACCESS_PACKAGE,
        RevealPurpose.ADDRESS_PROOF,
        RevealPurpose.DEMONSTRATION_MAILBOX,
        RevealPurpose.LETTER_DELIVERY,
        RevealPurpose.PREFERENCE_CENTRE,
        RevealPurpose.SUBJECT_CONSENT,
        RevealPurpose.SUBJECT_REQUEST,
        RevealPurpose.LEGAL_CLAIM,
        # A breach is looked into for the sake of everybody it touched.
        RevealPurpose.RIGHTS_OF_OTHERS,
        RevealPurpose.SECURITY_INCIDENT,
        RevealPurpose.PUBLIC_INTEREST,
    }
)


class Role(StrEnum):
    """What staff and services are. Staff hold roles through groups of the same name, each controller on its own."""

    ADMINISTRATOR = "administrator"
    ANALYST = "analyst"
    AUDITOR = "auditor"
    PRIVACY_OFFICER = "privacy_officer"
    SUPPORT_AGENT = "support_agent"
    SYSTEM_OWNER = "system_owner"
    # Services
    CHECKER = "checker"
    COLLECTOR = "collector"
    INTEGRATOR = "integrator"
    MONITOR = "monitor"
    VAULT_READER = "vault_reader"
    # The service's own workers and the data subject in the portal
    WORKER = "worker"
    DATA_SUBJECT = "data_subject"


STAFF_ROLES = (
    Role.ADMINISTRATOR,
    Role.ANALYST,
    Role.AUDITOR,
    Role.PRIVACY_OFFICER,
    Role.SUPPORT_AGENT,
    Role.SYSTEM_OWNER,
)
SERVICE_ROLES = (Role.CHECKER, Role.COLLECTOR, Role.INTEGRATOR, Role.MONITOR, Role.VAULT_READER)

_A = Action
#: The one table of roles. An administrator runs the service and cannot read personal data.
ALLOWED: dict[Role, frozenset[Action]] = {
    Role.ADMINISTRATOR: frozenset(
        {
            _A.CONSOLE_ENTER,
            _A.CATALOGUE_READ,
            _A.SYSTEM_READ,
            _A.SYSTEM_CHANGE,
            _A.AUDIT_READ,
            _A.INCIDENT_OPEN,
            _A.INCIDENT_READ,
        }
    ),
    Role.ANALYST: frozenset({_A.CONSOLE_ENTER, _A.CATALOGUE_READ, _A.REQUEST_READ, _A.SYSTEM_READ}),
    Role.AUDITOR: frozenset(
        {
            _A.CONSOLE_ENTER,
            _A.AUDIT_EXPORT,
            _A.AUDIT_READ,
            _A.CATALOGUE_READ,
            _A.INCIDENT_READ,
            _A.REQUEST_READ,
            _A.SYSTEM_READ,
        }
    ),
    # The doors of the vault are for machines: an officer opens values one by one, at the console. They see them clear,
    # so there is no glass for them to break.
    Role.PRIVACY_OFFICER: frozenset(Action)
    - {_A.ACCESS_ELEVATE, _A.CONSENT_CHECK, _A.SYSTEM_OWN}
    - {_A.VAULT_DETOKENISE, _A.VAULT_REVEAL, _A.VAULT_SEAL, _A.VAULT_TOKENISE},
    # Sees identifiers behind a mask: the forms are in policy/forms.py. One person's clear by breaking the glass.
    Role.SUPPORT_AGENT: frozenset(
        {
            _A.ACCESS_ELEVATE,
            _A.CONSOLE_ENTER,
            _A.CONSENT_READ,
            _A.REQUEST_CREATE,
            _A.SUBJECT_FIND,
            _A.SUBJECT_VIEW,
        }
    ),
    # Their own systems and the steps on them: a right of its own, so that no page about all systems lets them in.
    Role.SYSTEM_OWNER: frozenset({_A.CONSOLE_ENTER, _A.SYSTEM_OWN}),
    Role.CHECKER: frozenset({_A.CONSENT_CHECK}),
    Role.COLLECTOR: frozenset({_A.CONSENT_CHECK, _A.CONSENT_RECORD, _A.SUBJECT_REGISTER}),
    Role.INTEGRATOR: frozenset(
        {
            _A.CATALOGUE_CHANGE,
            _A.CATALOGUE_READ,
            _A.CONSENT_CHECK,
            _A.CONSENT_READ,
            _A.CONSENT_RECORD,
            _A.REQUEST_CREATE,
            _A.REQUEST_READ,
            _A.SUBJECT_FIND,
            _A.SUBJECT_REGISTER,
            _A.SUBJECT_RESTRICT,
            _A.SYSTEM_CHANGE,
            _A.SYSTEM_READ,
            _A.VAULT_SEAL,
            _A.VAULT_TOKENISE,
        }
    ),
    # Fetches the tree of the ledger and verifies it; nothing else.
    Role.MONITOR: frozenset({_A.AUDIT_READ}),
    # Opens what others sealed through the doors, and can put nothing in: no service needs both by nature.
    Role.VAULT_READER: frozenset({_A.SUBJECT_VIEW, _A.VAULT_DETOKENISE, _A.VAULT_REVEAL}),
    Role.WORKER: frozenset({_A.REQUEST_WORK, _A.SUBJECT_REVEAL}),
    Role.DATA_SUBJECT: frozenset(
        {_A.CONSENT_READ, _A.CONSENT_RECORD, _A.REQUEST_CREATE, _A.REQUEST_READ, _A.SUBJECT_REVEAL}
    ),
}


#: What a role rules out, whatever else its holder is: a forbid beats every permit.
FORBIDDEN: dict[Role, frozenset[Action]] = {
    # Who runs the service, or checks on it, never gets at personal data by an emergency of their own making.
    Role.ADMINISTRATOR: frozenset({_A.ACCESS_ELEVATE}),
    Role.AUDITOR: frozenset({_A.ACCESS_ELEVATE}),
}


def permits(roles: frozenset[Role], action: Action) -> bool:
    """Whether any of the roles carries the action and none forbids it. Unknown roles carry nothing."""
    is_carried = any(action in ALLOWED.get(role, frozenset()) for role in roles)
    return is_carried and not any(action in FORBIDDEN.get(role, frozenset()) for role in roles)

"""Every action, audit type and role in one alphabetical place; it must not decide anything."""

from enum import StrEnum


class Action(StrEnum):
    """What a principal may ask to do, `resource:verb`. Values are stable: they are stored and audited."""

    AUDIT_READ = "audit:read"
    CATALOGUE_CHANGE = "catalogue:change"
    CATALOGUE_READ = "catalogue:read"
    CONSENT_CHECK = "consent:check"
    CONSENT_READ = "consent:read"
    CONSENT_RECORD = "consent:record"
    CONSOLE_ENTER = "console:enter"
    REQUEST_APPROVE = "request:approve"
    REQUEST_CREATE = "request:create"
    REQUEST_READ = "request:read"
    REQUEST_REFUSE = "request:refuse"
    REQUEST_WORK = "request:work"
    SUBJECT_FIND = "subject:find"
    SUBJECT_REGISTER = "subject:register"
    SUBJECT_REVEAL = "subject:reveal"
    SYSTEM_CHANGE = "system:change"
    SYSTEM_READ = "system:read"


class AuditType(StrEnum):
    """What the ledger records, `resource.verbed`. Values are never reused."""

    ACCESS_DENIED = "access.denied"
    ADDRESS_PROVEN = "address.proven"
    ADDRESS_REFUSED = "address.refused"
    CONSENT_RECORDED = "consent.recorded"
    CONTROLLER_CREATED = "controller.created"
    DATASET_IMPORTED = "dataset.imported"
    GRANT_CHANGED = "grant.changed"
    KEY_CREATED = "key.created"
    KEY_DESTROYED = "key.destroyed"
    LETTER_FAILED = "letter.failed"
    NOTICE_PUBLISHED = "notice.published"
    PURPOSE_CHANGED = "purpose.changed"
    REQUEST_CHANGED = "request.changed"
    REQUEST_CODE_FAILED = "request.code_failed"
    REQUEST_DELIVERED = "request.delivered"
    REQUEST_RECEIVED = "request.received"
    SERVICE_CREATED = "service.created"
    SERVICE_KEY_ISSUED = "service.key_issued"
    SERVICE_KEY_REVOKED = "service.key_revoked"
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
    SUBJECT_REGISTERED = "subject.registered"
    SUBJECT_RESTRICTED = "subject.restricted"
    SUBJECT_REVEALED = "subject.revealed"
    SYSTEM_CHANGED = "system.changed"


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
    SECURITY_INCIDENT = "security_incident"
    SUBJECT_REQUEST = "subject_request"
    SYSTEM_CONNECTION = "system_connection"


#: What a person at the console may choose from; the others belong to machinery.
STAFF_REVEAL_PURPOSES = (
    RevealPurpose.CUSTOMER_SUPPORT,
    RevealPurpose.FRAUD_PREVENTION,
    RevealPurpose.LEGAL_CLAIM,
    RevealPurpose.SECURITY_INCIDENT,
    RevealPurpose.SUBJECT_REQUEST,
)


class Role(StrEnum):
    """What staff and services are. Staff hold roles through groups of the same name."""

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
SERVICE_ROLES = (Role.CHECKER, Role.COLLECTOR, Role.INTEGRATOR)

_A = Action
#: The one table of roles. An administrator runs the service and cannot read personal data.
ALLOWED: dict[Role, frozenset[Action]] = {
    Role.ADMINISTRATOR: frozenset(
        {_A.CONSOLE_ENTER, _A.CATALOGUE_READ, _A.SYSTEM_READ, _A.SYSTEM_CHANGE, _A.AUDIT_READ}
    ),
    Role.ANALYST: frozenset({_A.CONSOLE_ENTER, _A.CATALOGUE_READ, _A.REQUEST_READ, _A.SYSTEM_READ}),
    Role.AUDITOR: frozenset({_A.CONSOLE_ENTER, _A.AUDIT_READ, _A.CATALOGUE_READ, _A.REQUEST_READ, _A.SYSTEM_READ}),
    Role.PRIVACY_OFFICER: frozenset(Action) - {_A.CONSENT_CHECK},
    Role.SUPPORT_AGENT: frozenset({_A.CONSOLE_ENTER, _A.CONSENT_READ, _A.REQUEST_CREATE, _A.SUBJECT_FIND}),
    Role.SYSTEM_OWNER: frozenset({_A.CONSOLE_ENTER, _A.SYSTEM_READ}),
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
            _A.SYSTEM_CHANGE,
            _A.SYSTEM_READ,
        }
    ),
    Role.WORKER: frozenset({_A.REQUEST_WORK, _A.SUBJECT_REVEAL}),
    Role.DATA_SUBJECT: frozenset(
        {_A.CONSENT_READ, _A.CONSENT_RECORD, _A.REQUEST_CREATE, _A.REQUEST_READ, _A.SUBJECT_REVEAL}
    ),
}


def permits(roles: frozenset[Role], action: Action) -> bool:
    """Whether any of the roles carries the action. Unknown roles carry nothing."""
    return any(action in ALLOWED.get(role, frozenset()) for role in roles)

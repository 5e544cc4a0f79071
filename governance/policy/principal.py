"""Who asks: staff, a service, a worker of ours, the operator or the data subject; it must not load anything."""

from dataclasses import dataclass

from governance.policy.vocabulary import Role

STAFF = "staff"
SERVICE = "service"
WORKER = "worker"
DATA_SUBJECT = "data_subject"
OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Principal:
    """The asking party with everything the decision needs to know of it (NIST SP 800-162 "subject")."""

    kind: str
    id: str
    roles: frozenset[Role]
    controllers: frozenset[str]
    purposes: frozenset[str] = frozenset()

    @property
    def ref(self) -> str:
        """The opaque reference that the ledger keeps."""
        return f"{self.kind}:{self.id}"


def worker(controller: str) -> Principal:
    """Our own worker, acting for one controller (UUID hex)."""
    return Principal(WORKER, "worker", frozenset({Role.WORKER}), frozenset({controller}))


def data_subject(subject: str, controller: str) -> Principal:
    """A person in the portal who has proven an address. `subject` is the person's or the request's UUID hex."""
    return Principal(DATA_SUBJECT, subject, frozenset({Role.DATA_SUBJECT}), frozenset({controller}))


def operator(controller: str) -> Principal:
    """Answer the person at the command line of the machine, whom the service cannot name; carries no role."""
    return Principal(OPERATOR, "command-line", frozenset(), frozenset({controller}))

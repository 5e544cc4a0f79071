"""Who asks: staff, a service, a worker of ours, the operator or the data subject; it must not load anything."""

from dataclasses import dataclass, replace

from governance.policy.vocabulary import Action, Role, permits

STAFF = "staff"
SERVICE = "service"
WORKER = "worker"
DATA_SUBJECT = "data_subject"
OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Principal:
    """The asking party with everything the decision needs to know of it (NIST SP 800-162 "subject").

    `roles` are held at every one of `controllers`; what is held at single ones on top stands in `local`. So code that
    looks at `roles` alone grants too little, never too much. Ask `may()` and `controllers_where()`.
    """

    kind: str
    id: str
    roles: frozenset[Role]
    controllers: frozenset[str]
    purposes: frozenset[str] = frozenset()
    #: (controller, role), controllers as UUID hex.
    local: frozenset[tuple[str, Role]] = frozenset()
    #: Systems this person owns, as UUID hex.
    systems: frozenset[str] = frozenset()

    @property
    def ref(self) -> str:
        """The opaque reference that the ledger keeps."""
        return f"{self.kind}:{self.id}"

    def roles_at(self, controller: str) -> frozenset[Role]:
        """Answer the roles held at one controller; none where they do not work."""
        if controller not in self.controllers:
            return frozenset()
        return self.roles | {role for place, role in self.local if place == controller}

    def may(self, action: Action, controller: str = "") -> bool:
        """Whether the action is theirs at this controller; with none named, anywhere."""
        if controller:
            return permits(self.roles_at(controller), action)
        return permits(self.roles | {role for _place, role in self.local}, action)

    def controllers_where(self, action: Action) -> frozenset[str]:
        """Answer the controllers at which the action is theirs."""
        return frozenset(each for each in self.controllers if self.may(action, each))

    def at(self, controller: str) -> "Principal":
        """The same person at one controller: with the roles held there and no others, so that none can leak across."""
        here = self.controllers & {controller}
        return replace(self, roles=self.roles_at(controller), controllers=here, local=frozenset())


def worker(controller: str) -> Principal:
    """Our own worker, acting for one controller (UUID hex)."""
    return Principal(WORKER, "worker", frozenset({Role.WORKER}), frozenset({controller}))


def data_subject(subject: str, controller: str) -> Principal:
    """A person in the portal who has proven an address. `subject` is the person's or the request's UUID hex."""
    return Principal(DATA_SUBJECT, subject, frozenset({Role.DATA_SUBJECT}), frozenset({controller}))


def operator(controller: str) -> Principal:
    """Answer the person at the command line of the machine, whom the service cannot name; carries no role."""
    return Principal(OPERATOR, "command-line", frozenset(), frozenset({controller}))

"""What can be done with a request, one function each; doors call these and nothing below them."""

from dsar.services.acknowledging import acknowledge, acknowledge_due
from dsar.services.advancing import advance, go_on, tidy
from dsar.services.answering import download, is_answered, is_available, open_package, respond
from dsar.services.carrying_out import retry
from dsar.services.clocks import is_held
from dsar.services.deciding import approve, extend, refuse, withdraw
from dsar.services.erasing import certificate
from dsar.services.evidence import evidence
from dsar.services.holding import hold, keep, may_hold, release
from dsar.services.importing import Past, import_many
from dsar.services.intake import RIGHTS, Intake, find_again, receive, send_code, start_again, verify
from dsar.services.merging import merge
from dsar.services.moving import possible
from dsar.services.pausing import PAUSABLE, pause, resume
from dsar.services.planning import may_plan, plan
from dsar.services.purging import close, purge, purge_due
from dsar.services.reaching import go_without, goes_without, may_go_without, unreached
from dsar.services.receipting import receipt
from dsar.services.references import normal_reference

__all__ = [
    "PAUSABLE",
    "RIGHTS",
    "Intake",
    "Past",
    "acknowledge",
    "acknowledge_due",
    "advance",
    "approve",
    "certificate",
    "close",
    "download",
    "evidence",
    "extend",
    "find_again",
    "go_on",
    "go_without",
    "goes_without",
    "hold",
    "import_many",
    "is_answered",
    "is_available",
    "is_held",
    "keep",
    "may_go_without",
    "may_hold",
    "may_plan",
    "merge",
    "normal_reference",
    "open_package",
    "pause",
    "plan",
    "possible",
    "purge",
    "purge_due",
    "receipt",
    "receive",
    "refuse",
    "release",
    "respond",
    "resume",
    "retry",
    "send_code",
    "start_again",
    "tidy",
    "unreached",
    "verify",
    "withdraw",
]

"""What can be done with a request, one function each; doors call these and nothing below them."""

from dsar.services.advancing import advance, tidy
from dsar.services.answering import download, is_available, open_package, respond
from dsar.services.carrying_out import retry
from dsar.services.deciding import approve, extend, refuse, withdraw
from dsar.services.intake import RIGHTS, Intake, find_again, receive, send_code, start_again, verify
from dsar.services.planning import plan
from dsar.services.purging import close, purge, purge_due
from dsar.services.references import normal_reference

__all__ = [
    "RIGHTS",
    "Intake",
    "advance",
    "approve",
    "close",
    "download",
    "extend",
    "find_again",
    "is_available",
    "normal_reference",
    "open_package",
    "plan",
    "purge",
    "purge_due",
    "receive",
    "refuse",
    "respond",
    "retry",
    "send_code",
    "start_again",
    "tidy",
    "verify",
    "withdraw",
]

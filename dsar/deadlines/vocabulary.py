"""The words of the law as the rule packs use them; no dates and no arithmetic here."""

from __future__ import annotations

from enum import StrEnum


class Right(StrEnum):
    """What a person may ask for."""

    ACCESS = "access"
    RECTIFICATION = "rectification"
    ERASURE = "erasure"
    RESTRICTION = "restriction"
    PORTABILITY = "portability"
    OBJECTION = "objection"
    OPT_OUT_OF_SALE = "opt_out_of_sale"
    LIMIT_SENSITIVE_USE = "limit_sensitive_use"


class Regime(StrEnum):
    """The law, or the controller's own promise, that a request is answered under."""

    GDPR = "GDPR"
    UK_GDPR = "UK_GDPR"
    CCPA = "CCPA"
    VOLUNTARY = "VOLUNTARY"


class Clock(StrEnum):
    """What has to be done by the date."""

    ACKNOWLEDGEMENT = "acknowledgement"
    ANSWER = "answer"


class Unit(StrEnum):
    """What a term is counted in."""

    MONTHS = "months"
    DAYS = "days"
    BUSINESS_DAYS = "business_days"


class PauseReason(StrEnum):
    """Why the controller waits for the person."""

    IDENTITY = "identity"
    CLARIFICATION = "clarification"
    FEE = "fee"


class PauseEffect(StrEnum):
    """What waiting does to the clock where the law lets it count."""

    SUSPENDS = "suspends"  # the days of waiting are added to the end
    RESTARTS = "restarts"  # the term begins on the day the answer arrives


class ExtensionReason(StrEnum):
    """Why more time is needed."""

    COMPLEXITY = "complexity"
    NUMBER_OF_REQUESTS = "number_of_requests"

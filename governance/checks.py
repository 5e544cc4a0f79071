"""System checks with stable ids: what must hold before the service may start; they repair nothing."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Critical, Error, Tags, register
from django.core.checks import Warning as Caution
from django.db import connections

from governance.audit import change_log
from governance.errors import ErasuresMissing, KeyUnavailable, LedgerBroken
from governance.fields import Kind, SealedField, sealed_fields
from governance.keys import index_keys, signing
from governance.keys.providers import provider
from governance.models import DataSubject, ErasureLine, append_only
from governance.subjects import outside

_LONGEST_LABEL = 64


@register()
def key_store(**_kwargs: Any) -> list[CheckMessage]:
    """The key store is set up, and a key file opens. E001. Whether another machine answers is what /readyz asks."""
    try:
        provider().require_configured()
    except KeyUnavailable as refused:
        return [Critical(refused.detail, hint="See docs/operating.md, Keys.", id="governance.E001")]
    return []


@register()
def log_origin(**_kwargs: Any) -> list[CheckMessage]:
    """Checkpoints can be signed under the ledger's name. E007. Events would wait for their positions for ever."""
    try:
        signing.require_origin()
    except KeyUnavailable as refused:
        hint = "Write it like an address without scheme, as in privacy.example/ledger."
        return [Critical(refused.detail, hint=hint, id="governance.E007")]
    return []


@register(Tags.security, deploy=True)
def production(**_kwargs: Any) -> list[CheckMessage]:
    """A demonstration must not be deployed, nor a service whose letters go nowhere. E002, E004, E005."""
    found: list[CheckMessage] = []
    if settings.GOVERNANCE_DEMO:
        found.append(Critical("GOVERNANCE_DEMO is on", hint="Unset it in production.", id="governance.E002"))
    if settings.EMAIL_BACKEND.endswith(("dummy.EmailBackend", "console.EmailBackend")):
        message = "EMAIL_URL names no mail server: codes and answers would be lost, and noted as sent"
        found.append(Critical(message, hint="Set EMAIL_URL=smtp+tls://…", id="governance.E004"))
    if not settings.GOVERNANCE_PUBLIC_URL.startswith("https://"):
        message = "GOVERNANCE_PUBLIC_URL is not an https address: links in letters would lead nowhere"
        found.append(Critical(message, hint="Set it to where people reach the service.", id="governance.E005"))
    return found


@register(Tags.database)
def triggers(databases: Any = None, **_kwargs: Any) -> list[CheckMessage]:
    """Append-only tables are guarded. E003. Runs with `check --database default`."""
    names = [name for alias in databases or [] for name in append_only.missing(connections[alias])]
    if names:
        listed = ", ".join(sorted(names))
        return [Error(f"No append-only trigger on: {listed}", hint="Run manage.py migrate.", id="governance.E003")]
    return []


@register(Tags.database)
def erasures(databases: Any = None, **_kwargs: Any) -> list[CheckMessage]:
    """No person is back who was erased. E006. Runs with `check --database default`."""
    if not any(
        ErasureLine._meta.db_table in connections[alias].introspection.table_names() for alias in databases or []
    ):
        return []
    try:
        outside.require_current()
    except (ErasuresMissing, LedgerBroken) as refused:
        return [Critical(refused.detail, hint="See docs/operating.md, Bringing it back.", id="governance.E006")]
    return []


#: How many values a kind can have where the declaration does not say.
_CARDINALITY = {Kind.BOOLEAN: 2, Kind.DATE: 36_525}


@register()
def leak_budget(**_kwargs: Any) -> list[CheckMessage]:
    """Every declared index is worth what it tells. E023: it is not. E024: it cannot be kept. E025: unknown setting."""
    population = settings.GOVERNANCE_EXPECTED_PEOPLE
    found: list[CheckMessage] = []
    for name in settings.GOVERNANCE_SEARCH_INDEXES:
        if name not in index_keys.FURTHER:
            hint = f"Use some of: {', '.join(sorted(index_keys.FURTHER))}."
            found.append(Error(f"GOVERNANCE_SEARCH_INDEXES names {name}", hint=hint, id="governance.E025"))
        elif why := index_keys.complaint(index_keys.FURTHER[name], population):
            found.append(Error(f"The index {name} tells too much", hint=why, id="governance.E023"))
    for field in sealed_fields():
        found += priced(field, population)
    return found


def priced(field: SealedField, population: int) -> list[CheckMessage]:
    """Hold the indexes of one field against the budget."""
    found: list[CheckMessage] = []
    for index in field.indexes:
        cardinality = _CARDINALITY.get(field.kind) if field.kind else None
        if why := index_keys.complaint(index, population, cardinality):
            named = f"The {index.kind} index{f' {index.name}' if index.name else ''}"
            found.append(Error(f"{named} tells too much", hint=why, obj=field, id="governance.E023"))
    if why := index_keys.joint_complaint(field.indexes, population):
        found.append(Error("The buckets together tell too much", hint=why, obj=field, id="governance.E023"))
    return found + _keepable(field)


def _keepable(field: SealedField) -> list[CheckMessage]:
    """Refuse what no search or erasure could work with."""
    reasons = []
    if field.indexes and (field.scope_kind != "subject" or not field.kind):
        reasons.append("Indexes need kind=… and the scope of a person: erasing the person deletes them")
    if field.kind in {Kind.BYTES, Kind.FLOAT, Kind.JSON} and field.indexes:
        reasons.append("Bytes, floats and JSON have no one form to index; index a field of its own")
    names = [index.name for index in field.indexes]
    if len(set(names)) != len(names):
        reasons.append("Two indexes of one field have one name")
    if any(len(f"{field.label}.{name}") > _LONGEST_LABEL for name in names):
        reasons.append(f"A label with the name of its index has at most {_LONGEST_LABEL} characters")
    known = {each.name for each in field.model._meta.concrete_fields}
    unknown = sorted({part for index in field.indexes for part in index.parts} - known)
    if unknown:
        reasons.append(f"A compound names columns of its row; there is no {', '.join(unknown)}")
    return [Error("An index cannot be kept", hint=why, obj=field, id="governance.E024") for why in reasons]


#: Nothing to say before the tables are there.
_MAY_CHANGE_LEDGER = (
    "SELECT CASE WHEN to_regclass('governance_ledgerentry') IS NULL THEN false "
    "ELSE has_table_privilege('governance_ledgerentry', 'UPDATE, DELETE, TRUNCATE, TRIGGER') END"
)


@register(Tags.database, deploy=True)
def ledger_role(databases: Any = None, **_kwargs: Any) -> list[CheckMessage]:
    """The service's own role can neither change nor remove what stands in the ledger. W007, on PostgreSQL."""
    for alias in databases or []:
        if connections[alias].vendor != "postgresql":
            continue
        with connections[alias].cursor() as cursor:
            cursor.execute(_MAY_CHANGE_LEDGER)
            if cursor.fetchone()[0]:
                message = "The role of the service may change the ledger: only triggers and proofs stand in its way"
                return [Caution(message, hint="See deploy/postgresql_roles.sql.", id="governance.W007")]
    return []


@register()
def diary(**_kwargs: Any) -> list[CheckMessage]:
    """django-auditlog keeps no copy of personal data, which would outlive the person's key. E026."""
    found: list[CheckMessage] = []
    for model, noted in change_log.watched().items():
        fields = model._meta.concrete_fields
        sealed = {each.name for each in fields if isinstance(each, SealedField)}
        is_about_a_person = bool(sealed) or any(each.related_model is DataSubject for each in fields)
        # Keys and references are no personal data of their own; everything else in such a row may be.
        open_ = {each.name for each in fields if each.name in noted and not (each.primary_key or each.is_relation)}
        if (sealed & noted) or (is_about_a_person and open_):
            listed = ", ".join(sorted(sealed & noted or open_))
            hint = f"Leave out {listed}, or mask with governance.audit.change_log.digest: diffs are kept in the clear."
            found.append(Error("django-auditlog would copy personal data", hint=hint, obj=model, id="governance.E026"))
    return found

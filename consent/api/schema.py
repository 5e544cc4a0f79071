"""The lean doors in the OpenAPI description: written by hand, since no framework serves them; kept true by a test."""

from __future__ import annotations

from typing import Any, Final

from consent.api.parsing import MOST_CHECKS
from governance.policy.decide import MessageClass, Operation, Outcome
from governance.subjects.registering import TYPES

_WORDS: Final = {"type": "array", "items": {"type": "string"}}

_ASKED: Final = {
    "type": "array",
    "maxItems": 64,
    "items": {"type": "string", "pattern": "^[A-Za-z0-9_.:*-]{1,128}$"},
}
_CHANNEL: Final = "^[a-z0-9_]{0,32}$"
_MOMENT: Final = {"type": "string", "format": "date-time"}

_SCHEMAS: Final[dict[str, Any]] = {
    "Check": {
        "type": "object",
        "additionalProperties": False,
        "required": ["subject", "purpose"],
        "properties": {
            "subject": {
                "type": "object",
                "additionalProperties": False,
                "required": ["type", "value"],
                "properties": {
                    "type": {"type": "string", "enum": list(TYPES)},
                    "value": {"type": "string", "minLength": 1, "maxLength": 254},
                },
            },
            "purpose": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"},
            "channel": {"type": "string", "pattern": _CHANNEL, "description": "Left out: a use over no channel."},
            "action": {"type": "string", "enum": [each.value for each in Operation], "default": "use"},
            "message_class": {"type": "string", "enum": [each.value for each in MessageClass], "default": "marketing"},
            "fields": _ASKED | {"description": "Fideslang data categories."},
            "signals": _ASKED,
            "as_of": _MOMENT | {"maxLength": 64, "description": "Replay of an earlier moment."},
        },
    },
    "ConsentDecision": {
        "type": "object",
        "required": [
            "decision", "reasons", "basis", "evidence", "obligations", "valid_until", "ruleset", "token",
        ],
        "properties": {
            "decision": {"type": "string", "enum": [each.value for each in Outcome]},
            "reasons": _WORDS | {"description": "Ordered reason codes."},
            "basis": {"type": ["string", "null"]},
            "evidence": {"type": "array", "items": {"type": "string", "format": "uuid"}},
            "obligations": _WORDS,
            "valid_until": _MOMENT | {"type": ["string", "null"]},
            "ruleset": {"type": "integer"},
            "token": {"type": "string", "description": "Equal for equal answers from equal facts and rules."},
            "fields": _WORDS | {"description": "With `restricted` only: the categories that may be used."},
            "nearest_miss": {"type": ["string", "null"], "description": "With `deny`: what would have to be true."},
        },
    },
    "CheckBatch": {
        "type": "object",
        "additionalProperties": False,
        "required": ["checks"],
        "properties": {
            "checks": {
                "type": "array",
                "minItems": 1,
                "maxItems": MOST_CHECKS,
                "items": {"$ref": "#/components/schemas/Check"},
            }
        },
    },
    "ConsentDecisions": {
        "type": "object",
        "required": ["results"],
        "properties": {"results": {"type": "array", "items": {"$ref": "#/components/schemas/ConsentDecision"}}},
    },
}  # fmt: skip


def lean_doors(result: dict[str, Any], **_context: Any) -> dict[str, Any]:
    """Add the decision doors to the generated description."""
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    for name, schema in _SCHEMAS.items():
        schemas.setdefault(name, schema)
    result["paths"]["/v1/consent/check"] = {
        "post": _operation(
            "check_consent", "May this use of this person's data go ahead now?", "Check", "ConsentDecision"
        )
    }
    result["paths"]["/v1/consent/check/batch"] = {
        "post": _operation(
            "check_consents", "The same for up to a thousand uses, in order.", "CheckBatch", "ConsentDecisions"
        )
    }
    return result


def _operation(name: str, summary: str, asked: str, answered: str) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "tags": ["v1"],
        "security": [{"serviceKey": []}],
        "requestBody": {"required": True, "content": _json(asked)},
        "responses": {
            "200": {"description": "", "content": _json(answered)},
        },
    }


def _json(schema: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}

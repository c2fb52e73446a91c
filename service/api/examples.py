"""Examples for the OpenAPI document: every answer, body and parameter is shown as it may look.

What a member looks like stands in one table, so an example is always of its schema: it is built from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_CODE = "91210100MA00004960"
_RECEIPT = "01KAEQN0G0C4ZJ7T6R3K9W5XPD"
_CASE = "01KAEQN4P2V8M3S6D1F7H9J0QR"
_INSTANT = "2026-11-20T09:00:03.512000+08:00"
_RECORD = {"uscc": _CODE, "name": "沈阳示例有限公司", "approved_on": "2026-11-20", "legal_representative_name": "王一"}
_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

# By `Schema.member` or by the member's name alone.
_MEMBERS: Mapping[str, Any] = {
    "uscc": _CODE,
    "claimed": "91210100MA0000496X",
    "normalized": "91210100MA0000496X",
    "LookupItem.code": _CODE,
    "LookupItem.normalized": _CODE,
    "LookupItem.result": "found",
    "LookupRequest.codes": [_CODE, "91210100MA0000496X"],
    "ValidationRequest.codes": [_CODE, "91210100MA0000496X"],
    "name": "沈阳示例有限公司",
    "SnapshotFile.name": "registrations.parquet",
    "office": "commerce",
    "PendingBody.office": 4,
    "PendingBody.registry": 0,
    "SidesBody.office": "100",
    "SidesBody.registry": "200",
    "offices": ["commerce"],
    "record": _RECORD,
    "fields": {"registered_capital": {"office": "100", "registry": "200"}},
    "Rule.fields": ["uscc"],
    "receipt_id": _RECEIPT,
    "duplicate_of": None,
    "case_id": _CASE,
    "open_case": None,
    "Return.case_id": None,
    "DryRunReturn.case_id": None,
    "submission_id": "01KAEQMZ8W3B5N7R2T4V6X8Y0A",
    "snapshot_id": "000000000088123",
    "message_id": "COM-20261120-000001",
    "batch_id": "COM-20261120",
    "operation": "assign",
    "suggested_operation": "assign",
    "disposition": "rejected",
    "rule": "E05",
    "problem_class": 1,
    "class": 1,
    "severity": "error",
    "field": "uscc",
    "position": 18,
    "expected": "0",
    "actual": "X",
    "suggestions": [_CODE],
    "Finding.message": {"zh": "校验码错误，应为 0", "en": "check character is X, expected 0"},
    "Finding.explanation": None,
    "verdict": "repairable",
    "registration_version": None,
    "version": 1,
    "sequence": 88123,
    "Return.sequence": 1042,
    "attempt": 1,
    "topic": "uscc.submissions.commerce",
    "partition": 3,
    "offset": 1042,
    "content_sha256": _SHA256,
    "sha256": _SHA256,
    "bytes": 73_400_320,
    "rows": 812_345,
    "ruleset": "2026.11.3",
    "edition": "2026.11.3",
    "kind": "assigned",
    "LegacyNumber.kind": "registration_number_15",
    "LegacyNumber.number": "210100000012349",
    "ComparisonItem.kind": "different",
    "standing": "normal",
    "predecessor_uscc": None,
    "successor_uscc": None,
    "new_uscc": None,
    "score": 0.95,
    "matched": {"name": "prefix"},
    "capped": False,
    "next": "1042",
    "through": "1042",
    "tip": "1050",
    "lag": 8,
    "records": 1042,
    "produced": 1042,
    "decided": 1000,
    "by_rule": {"E05": 3, "T01": 12},
    "SubmissionProgress.state": "deciding",
    "done_at": None,
    "resolved_at": None,
    "ended_at": None,
    "approved_by": None,
    "approved_at": None,
    "approval_reason": None,
    "accepted": 970,
    "unchanged": 11,
    "superseded": 2,
    "HistoricRegistration.superseded": False,
    "rejected": 12,
    "held": 5,
    "quarantined": 0,
    "reason": "the code has a holder: the other organization needs a code of its own",
    "PartState.reason": None,
    "PartState.part": "database",
    "ready": True,
    "example": "91210100MA0000496X",
    "type": "/problems/code-not-registered",
    "ProblemDocument.title": "代码未登记",
    "ProblemDocument.status": 404,
    "ProblemTypeDocument.status": 404,
    "ProblemDocument.detail": "登记库中没有该代码。",
    "instance": "urn:uscc:request:2f1c5ad0b7e90000001a",
    "request_id": "2f1c5ad0b7e90000001a",
    "errors": None,
    "problem": None,
    "zh": "错码",
    "en": "wrong code",
    "value": "91",
    "division_code": {"value": "210100", "title": {"zh": "沈阳市", "en": "Shenyang"}, "known": True},
    "Division.code": "210100",
    "legal_representative_name": "王一",
}
_PARAMETERS: Mapping[str, Any] = {
    "uscc": _CODE,
    "GET /v1/validations/{code} code": "91210100MA0000496X",
    "GET /v1/divisions/{code} code": "210100",
    "GET /problems/{name} name": "code-not-registered",
    "name": "示例",
    "legacy_number": "210100000012349",
    "subject_code": "MA0000496",
    "division": "210100",
    "office": "commerce",
    "as_of": "2026-11-20",
    "known_at": "2026-11-21T00:00:00+08:00",
    "limit": 100,
    "receipt_id": _RECEIPT,
    "submission_id": "01KAEQMZ8W3B5N7R2T4V6X8Y0A",
    "case_id": _CASE,
    "batch_id": "COM-20261120",
    "snapshot_id": "000000000088123",
    "file": "registrations.ndjson.gz",
    "date": "2026-11-20",
    "day": "2026-11-20",
    "comparison_id": "01KAEQN9Y7T5R3P1N8M6K4J2HG",
    "mapping": "registration",
    "format": "csv.gz",
}
_TEXTS = {"date-time": _INSTANT, "date": "2026-11-20", "binary": ""}


def add_examples(document: Mapping[str, Any]) -> None:
    """Add an example to every JSON body and to the parameters that have one and show none."""
    schemas = document["components"]["schemas"]
    for place, operation in _operations(document):
        for parameter in operation.get("parameters", ()):
            value = _PARAMETERS.get(f"{place} {parameter['name']}", _PARAMETERS.get(parameter["name"]))
            if value is not None and "example" not in parameter:
                parameter["example"] = value
        for content in _contents(operation):
            schema = content.get("schema")
            if schema and "example" not in content and "examples" not in content:
                content["example"] = example_of(schema, schemas)


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def _contents(operation: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what an operation takes and answers as JSON."""
    for holder in (operation.get("requestBody", {}), *operation["responses"].values()):
        for media_type, content in holder.get("content", {}).items():
            if media_type in ("application/json", "application/problem+json"):
                yield content


def example_of(schema: Mapping[str, Any], schemas: Mapping[str, Any], place: str = "") -> Any:
    """Return an example of a schema; `place` is `Schema.member` where it is a member's."""
    if schema.get("type") == "null":
        return None
    for name in (place, place.rpartition(".")[2]):
        if name in _MEMBERS:
            return _MEMBERS[name]
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return example_of(schemas[name], schemas, f"{name}.")
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return example_of(schema[several][0], schemas, place)
    match schema.get("type"):
        case "object":
            title = place.rpartition(".")[0] or schema.get("title", "")
            members = schema.get("properties", {}).items()
            return {name: example_of(each, schemas, f"{title}.{name}") for name, each in members}
        case "array":
            return [example_of(schema.get("items", {}), schemas)]
    return _plain(schema)


def _plain(schema: Mapping[str, Any]) -> Any:
    """Return an example of a value without members."""
    for fixed in ("const", "default"):
        if fixed in schema:
            return schema[fixed]
    if "enum" in schema:
        return schema["enum"][0]
    by_type = {
        "integer": max(1, schema.get("minimum", 1)),
        "number": 0.5,
        "boolean": True,
        "string": _TEXTS.get(schema.get("format", ""), "…"),
    }
    return by_type.get(schema.get("type", ""))

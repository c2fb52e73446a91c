"""Every problem that the service answers with: one table from error to RFC 9457, in Chinese and English.

A problem never repeats what the caller sent: it says which member is at fault and what was expected. docs/problems.md
has a line for each type; a test compares the two.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import orjson

from sync.errors import Rejected, Retryable, SyncError
from validators.rulebook import Text

Language: TypeAlias = Literal["zh", "en"]
MEDIA_TYPE = b"application/problem+json"
PREFIX = "/problems/"


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One type of problem: its name behind /problems/, its HTTP status, what it is and what happened."""

    name: str
    status: int
    title: Text
    detail: Text


def _entry(name: str, status: int, zh: str, en: str, detail_zh: str, detail_en: str) -> ProblemType:
    return ProblemType(name, status, Text(zh=zh, en=en), Text(zh=detail_zh, en=detail_en))


PROBLEMS: Mapping[str, ProblemType] = {
    entry.name: entry
    for entry in (
        _entry(
            "malformed-code",
            422,
            "代码不合规",
            "Malformed code",
            "该值不是有效的统一社会信用代码，见 findings。",
            "The value is no unified social credit code; see findings.",
        ),
        _entry(
            "code-not-registered",
            404,
            "代码未登记",
            "Code not registered",
            "登记库中没有该代码。",
            "The registry does not hold this code.",
        ),
        _entry(
            "code-withdrawn",
            410,
            "代码已收回",
            "Code withdrawn",
            "该代码已被收回，目前无主体持有；如有后继代码，见 successor_uscc。",
            "The code was taken back and nobody holds it; a successor, where there is one, is in successor_uscc.",
        ),
        _entry(
            "changes-dropped",
            410,
            "变更已超出保留期",
            "Changes no longer kept",
            "所要求的变更已超出保留期（400 天）。请取最新快照，再从其 sequence 之后续读。",
            "These changes are no longer kept (400 days). Take the newest snapshot and go on behind its sequence.",
        ),
        _entry(
            "not-permitted", 403, "无权限", "Not permitted", "该密钥无权执行此操作。", "The key does not permit this."
        ),
        _entry("not-found", 404, "未找到", "Not found", "没有这样的资源。", "There is no such resource."),
        _entry(
            "method-not-allowed",
            405,
            "方法不允许",
            "Method not allowed",
            "该资源不支持此方法，见 Allow。",
            "The resource does not take this method; see Allow.",
        ),
        _entry(
            "behind",
            503,
            "数据尚未追上",
            "Behind",
            "登记库尚未处理到所要求的时刻，请稍后重试。",
            "The registry has not reached the instant asked for; try again later.",
        ),
        _entry(
            "too-many-requests",
            429,
            "请求过多",
            "Too many requests",
            "超出限额，请在 Retry-After 秒后重试。",
            "The limit is used up; try again after Retry-After seconds.",
        ),
        _entry(
            "payload-too-large",
            413,
            "请求体过大",
            "Payload too large",
            "请求体过大，上限为 {limit}。",
            "The body is too large; the limit is {limit}.",
        ),
        _entry(
            "header-fields-too-large",
            431,
            "请求头过大",
            "Header fields too large",
            "请求行与请求头合计过大。",
            "Request line and header fields are too large.",
        ),
        _entry(
            "unsupported-media-type",
            415,
            "媒体类型不支持",
            "Unsupported media type",
            "请求体须为 {expected}。",
            "The body must be {expected}.",
        ),
        _entry(
            "range-not-satisfiable",
            416,
            "区间无法满足",
            "Range not satisfiable",
            "所要的区间超出文件末尾，见 Content-Range。",
            "The range lies behind the end of the file; see Content-Range.",
        ),
        _entry("conflict", 409, "冲突", "Conflict", "与现有状态冲突。", "This conflicts with the present state."),
        _entry(
            "overloaded",
            503,
            "服务繁忙",
            "Overloaded",
            "服务暂时繁忙，请稍后重试。",
            "The service is too busy just now; try again later.",
        ),
        _entry(
            "unauthenticated",
            401,
            "未认证",
            "Unauthenticated",
            "缺少有效的密钥（Authorization: Bearer）。",
            "A valid key is missing (Authorization: Bearer).",
        ),
        _entry(
            "invalid-request",
            422,
            "请求无效",
            "Invalid request",
            "请求中有成员不合要求，见 errors。",
            "Members of the request are at fault; see errors.",
        ),
        _entry(
            "unusable-register",
            422,
            "登记簿不可用",
            "Unusable register",
            "报送的登记簿无法比对，原因见 code 与 facts。",
            "The register that was handed in cannot be compared; code and facts say why.",
        ),
        _entry(
            "invalid-host",
            400,
            "主机名无效",
            "Invalid host",
            "Host 头不是本服务的名称。",
            "The Host header does not name this service.",
        ),
        _entry(
            "request-timeout",
            408,
            "请求超时",
            "Request timeout",
            "请求体未在规定时间内到达。",
            "The body did not arrive in time.",
        ),
        _entry(
            "internal-error",
            500,
            "内部错误",
            "Internal error",
            "服务内部出错，请附 request_id 报告。",
            "Something went wrong inside; report it with the request_id.",
        ),
    )
}

# What is wrong with one member, by code; `{expected}` and the like are filled with facts, never with input.
FAULTS: Mapping[str, Text] = {
    "missing": Text(zh="缺少该成员", en="the member is missing"),
    "unknown": Text(zh="没有这个成员或参数", en="there is no such member or parameter"),
    "repeated": Text(zh="重复出现", en="it appears more than once"),
    "wrong-type": Text(zh="类型错误，应为 {expected}", en="the type is wrong, expected {expected}"),
    "too-small": Text(zh="过小，最小为 {expected}", en="too small, the least is {expected}"),
    "too-large": Text(zh="过大，最大为 {expected}", en="too large, the most is {expected}"),
    "too-short": Text(zh="过短，至少 {expected}", en="too short, at least {expected}"),
    "too-long": Text(zh="过长，至多 {expected}", en="too long, at most {expected}"),
    "not-listed": Text(zh="不在取值范围内：{expected}", en="none of the allowed values: {expected}"),
    "not-an-instant": Text(
        zh="不是带时区的 RFC 3339 时刻或 ISO 日期", en="neither an RFC 3339 instant with offset nor an ISO date"
    ),
    "stands-alone": Text(zh="不能与其他筛选条件同用", en="goes with no other filter"),
    "bad-cursor": Text(zh="不是本接口给出的游标", en="not a cursor of this endpoint"),
    "beyond-tip": Text(zh="超出已有的最后一条", en="beyond the last item there is"),
    "not-json": Text(zh="不是合法的 JSON：{expected}", en="not JSON: {expected}"),
    "incomplete": Text(zh="须同时给出 {expected}", en="{expected} must be given together"),
    "unknown-office": Text(zh="没有这个登记机关", en="there is no such office"),
    "bad-text": Text(zh="含有不允许的字符", en="holds characters that are not allowed"),
    "no-records": Text(zh="没有一条记录", en="there is no record"),
    "not-encoded": Text(zh="字节不是 {expected}", en="the bytes are not {expected}"),
    "not-csv": Text(zh="不是合法的 CSV：{expected}", en="not CSV: {expected}"),
    "not-xlsx": Text(zh="不是可读的 XLSX 工作簿", en="no workbook that can be read"),
    "no-column": Text(
        zh="首行没有一个认识的列名，应有 {expected}", en="the first row names no known column, such as {expected}"
    ),
    "no-mapping": Text(zh="该机关没有这个映射", en="the office has no such mapping"),
    "not-a-table": Text(zh="不是可读的表格：{expected}", en="no table that can be read: {expected}"),
    "not-a-member": Text(zh="该案件没有这个成员", en="the case has no such member"),
    "new-code-missing": Text(zh="赋新码须给出新代码", en="to assign anew, give the new code"),
    "new-code-malformed": Text(zh="新代码不是有效的统一社会信用代码", en="the new code is no valid code"),
    "new-code-foreign": Text(zh="新代码不属于该登记机关", en="the new code is not one of that office"),
    "code-taken": Text(zh="新代码已被使用或有待定记录", en="the new code is taken, or a record of it waits"),
    "nobody-holds": Text(zh="该代码目前无主体持有", en="nobody holds the code now"),
    "no-record": Text(
        zh="本库没有该主体的记录，须由登记机关回传", en="there is no record of it here: its office has to send one"
    ),
    "awaits-approval": Text(zh="已有处理意见待复核", en="a resolution waits for approval already"),
    "person-needed": Text(
        zh="此项须由个人提出并由另一人复核", en="this needs two persons: one proposes, another approves"
    ),
    "no-open-case": Text(zh="没有与该代码和名称相符的未结案件", en="no open case has such a member"),
    "nothing-awaits": Text(zh="没有待复核的处理意见", en="nothing waits for approval"),
    "bad-flag": Text(
        zh="操作标识应为 0（赋新码）、1（删除）或 2（保持原码不变）",
        en="the flag is 0 (assign anew), 1 (withdraw) or 2 (keep)",
    ),
    "invalid": Text(zh="值不合要求", en="the value is not allowed"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One member at fault: `code` of FAULTS and a JSON pointer to it; `expected` is ours, never the caller's."""

    code: str
    pointer: str
    expected: str = ""

    def as_json(self, language: Language) -> dict[str, str]:
        """Return the entry of `errors`."""
        text = FAULTS[self.code]
        expected = self.expected.replace("' or '", "' 或 '") if language == "zh" else self.expected
        detail = (text.zh if language == "zh" else text.en).format(expected=expected)
        return {"code": self.code, "pointer": self.pointer, "detail": detail}


@dataclass(slots=True)
class Problem(Exception):
    """The request is answered with a problem. `members` are added to the body, `facts` fill the detail."""

    name: str
    errors: Sequence[Fault] = ()
    members: Mapping[str, object] = field(default_factory=dict)
    headers: Sequence[tuple[bytes, bytes]] = ()
    facts: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        Exception.__init__(self, self.name)

    @property
    def type(self) -> ProblemType:
        """The entry of the table."""
        return PROBLEMS[self.name]

    def body(self, language: Language, request_id: str) -> bytes:
        """Serialize the problem in one language."""
        entry = self.type
        title, detail = (entry.title.zh, entry.detail.zh) if language == "zh" else (entry.title.en, entry.detail.en)
        document: dict[str, object] = {
            "type": PREFIX + entry.name,
            "title": title,
            "status": entry.status,
            "detail": detail.format_map(self.facts) if self.facts else detail,
            "instance": f"urn:uscc:request:{request_id}",
            "request_id": request_id,
        }
        if self.errors:
            document["errors"] = [fault.as_json(language) for fault in self.errors]
        return orjson.dumps(document | dict(self.members))


def invalid(*faults: Fault) -> Problem:
    """Return the problem of members at fault."""
    return Problem("invalid-request", errors=faults)


def retry_later(name: str, seconds: int) -> Problem:
    """Return a problem that asks the caller to come back in so many seconds."""
    return Problem(name, headers=((b"retry-after", str(max(1, seconds)).encode()),))


def unauthenticated() -> Problem:
    """Return the problem of a missing or unknown key."""
    return Problem("unauthenticated", headers=((b"www-authenticate", b'Bearer realm="uscc"'),))


def too_large(limit_bytes: int) -> Problem:
    """Return the problem of a body above its limit."""
    return Problem("payload-too-large", facts={"limit": f"{limit_bytes} B"}, headers=((b"connection", b"close"),))


def problem_of(error: SyncError) -> Problem:
    """Return what an error of the registry means to a caller: try again, your data, or our fault."""
    if isinstance(error, Retryable):
        return retry_later("overloaded", 2)
    if isinstance(error, Rejected):
        return invalid(Fault("bad-text", "#"))
    return Problem("internal-error")


# The errors of pydantic that our models can raise, as codes of ours; ctx names the fact that says what was expected.
_PYDANTIC: Mapping[str, tuple[str, str]] = {
    "missing": ("missing", ""),
    "extra_forbidden": ("unknown", ""),
    "int_parsing": ("wrong-type", "integer"),
    "int_type": ("wrong-type", "integer"),
    "int_from_float": ("wrong-type", "integer"),
    "int_parsing_size": ("wrong-type", "integer"),
    "bool_parsing": ("wrong-type", "boolean"),
    "bool_type": ("wrong-type", "boolean"),
    "string_type": ("wrong-type", "string"),
    "string_unicode": ("bad-text", ""),
    "list_type": ("wrong-type", "array"),
    "dict_type": ("wrong-type", "object"),
    "model_type": ("wrong-type", "object"),
    "model_attributes_type": ("wrong-type", "object"),
    "greater_than_equal": ("too-small", "ge"),
    "less_than_equal": ("too-large", "le"),
    "string_too_short": ("too-short", "min_length"),
    "string_too_long": ("too-long", "max_length"),
    "too_short": ("too-short", "min_length"),
    "too_long": ("too-long", "max_length"),
    "literal_error": ("not-listed", "expected"),
    "enum": ("not-listed", "expected"),
    "bad_text": ("bad-text", ""),
    "bad_cursor": ("bad-cursor", ""),
    "not_an_instant": ("not-an-instant", ""),
}
_CONTEXT = frozenset(("ge", "le", "min_length", "max_length", "expected"))


def faults_of(errors: Iterable[Mapping[str, object]]) -> list[Fault]:
    """Translate the errors of a pydantic model, without the input that they carry."""
    faults = []
    for error in errors:
        code, expected = _PYDANTIC.get(str(error["type"]), ("invalid", ""))
        if expected in _CONTEXT:
            context = error.get("ctx")
            expected = str(context.get(expected, "")) if isinstance(context, Mapping) else ""
        location = error["loc"]
        assert isinstance(location, tuple)
        faults.append(Fault(code, pointer_to(location), expected))
    return faults


def pointer_to(location: Sequence[object]) -> str:
    """Return the JSON pointer of a member of the body or of a parameter.

    A member's name comes from the caller, so one that is longer than any of ours is left out.
    """
    steps = [str(step) for step in location if step not in ("body", "query", "path")]
    escaped = [step.replace("~", "~0").replace("/", "~1") if len(step) <= 64 else "…" for step in steps]
    return "".join(["#", *("/" + step.encode("utf-8", "replace").decode() for step in escaped)])


_RANGE = re.compile(r"\s*([A-Za-z]{1,8}|\*)[^,;]*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?))?\s*")


def negotiate_language(header: str) -> Language:
    """Choose zh or en by an Accept-Language header; Chinese where it asks for neither or is absent."""
    best: Language = "zh"
    best_quality = 0.0
    for item in header[:200].split(","):
        match = _RANGE.fullmatch(item)
        if match is None:
            continue
        tag, quality = match.group(1).lower(), float(match.group(2) or "1")
        if tag in ("zh", "en") and quality > best_quality:
            best, best_quality = ("zh" if tag == "zh" else "en"), quality
    return best

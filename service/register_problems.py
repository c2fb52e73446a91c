"""Why a register cannot be compared, in Chinese and English; the facts beside it say where and how much."""

from __future__ import annotations

from collections.abc import Mapping

from sync.nightly.register_faults import Code
from validators.rulebook import Text

PROBLEMS: Mapping[Code, Text] = {
    "not-gzip": Text(zh="不是 gzip 文件", en="the file is no gzip"),
    "not-parquet": Text(zh="不是 Parquet 文件", en="the file is no Parquet"),
    "truncated": Text(zh="文件不完整，末尾缺失", en="the file ends too early"),
    "damaged": Text(zh="文件已损坏", en="the file is damaged"),
    "wrong-encoding": Text(
        zh="不是 UTF-8，见 facts 中的行与字节", en="not UTF-8; facts name line and byte, where the format has lines"
    ),
    "malformed": Text(
        zh="某行无法读取（列数不符、引号未闭合或不是 JSON 对象），见 facts",
        en="a row cannot be read: another number of cells, an open quote, no JSON object; facts name the line",
    ),
    "not-text": Text(
        zh="某列不是文本：数字会丢失写法（0711、5.00），请按文本导出",
        en="a column is no text, and a number does not say how it was written (0711, 5.00): export it as text",
    ),
    "nul-characters": Text(zh="有的值含有 NUL 字符，见 facts", en="values with NUL characters; facts name the codes"),
    "empty": Text(zh="登记簿中没有任何记录", en="the register has no rows"),
    "no-key-column": Text(zh="缺少代码列 uscc（或 tyshxydm）", en="the column uscc (or tyshxydm) is missing"),
    "unknown-columns": Text(
        zh="有不认识的列（改名了？），用 force 略过这些列",
        en="columns that nobody knows (renamed?); force leaves them out",
    ),
    "repeated-columns": Text(zh="同一列出现两次", en="a column stands there twice"),
    "different-columns": Text(zh="登记簿各文件的列不一致", en="the files of the register have different columns"),
    "missing-codes": Text(zh="有的行没有代码", en="rows without a code"),
    "duplicate-codes": Text(zh="同一代码出现多次", en="codes that stand there more than once"),
    "too-few-rows": Text(
        zh="少于上次登记簿的八成，确认无误请用 force", en="fewer than 80 % of the last register; force if that is so"
    ),
    "older-than-last": Text(
        zh="早于上次比对的登记簿，确认无误请用 force", en="older than the last register compared; force if that is so"
    ),
    "nothing-in-common": Text(
        zh="与本机关在库中的代码无一相同（是另一机关的登记簿？），确认无误请用 force",
        en="not one code is the office's in the registry (another office's register?); force if that is so",
    ),
    "not-decided-yet": Text(
        zh="未核查的记录过多，请稍后再报送", en="too many records are not decided yet; hand it in again later"
    ),
    "gave-up": Text(
        zh="多次比对均异常中断，已放弃，请告知运维人员",
        en="every attempt to compare it was cut short; given up: tell the operator",
    ),
}

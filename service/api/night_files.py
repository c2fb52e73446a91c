"""Statements, comparisons and figures as tables: CSV and XLSX where the caller's Accept prefers them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import xlsxwriter
from fastapi import Request, Response

from service.tables import guarded

Form: TypeAlias = Literal["json", "csv", "xlsx"]
Cell: TypeAlias = str | int | float | bool | None
CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FORMS: dict[str, Form] = {"application/json": "json", CSV: "csv", XLSX: "xlsx"}
# What the OpenAPI says of endpoints that answer so.
RESPONSES: dict[int | str, dict[str, Any]] = {200: {"content": {CSV: {"schema": {"type": "string"}}, XLSX: {}}}}


def form_of(request: Request) -> Form:
    """Choose a form by the Accept header; JSON where it asks for none of them."""
    best: Form = "json"
    best_quality = 0.0
    for item in request.headers.get("accept", "")[:500].split(","):
        media_type, *parameters = (part.strip().lower() for part in item.split(";"))
        form = _FORMS.get(media_type)
        try:
            quality = next((float(each[2:]) for each in parameters if each.startswith("q=")), 1.0)
        except ValueError:
            continue
        if form is not None and quality > best_quality:
            best, best_quality = form, quality
    return best


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A header and rows under it, by the name of the file or the sheet."""

    name: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]


def answer_table(
    request: Request, form: Form, table: Table, *, following: str | None = None, beside: Sequence[Table] = ()
) -> Response:
    """Answer with a table: texts are text cells, never formulas; counts are numbers.

    `following` is the cursor of the next page: a table has no place for it, so it goes into the header Link (RFC 8288).
    Tables `beside` it are further sheets; CSV has none.
    """
    body = _csv(table) if form == "csv" else _xlsx([table, *beside])
    headers = {"content-disposition": f'attachment; filename="{table.name}.{form}"'}
    if following is not None:
        url = request.url.include_query_params(after=following)
        headers["link"] = f'<{url.path}?{url.query}>; rel="next"'
    return Response(body, media_type=f"{CSV}; charset=utf-8" if form == "csv" else XLSX, headers=headers)


def _csv(table: Table) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(table.header)
    writer.writerows([guarded(cell) if isinstance(cell, str) else _plain(cell) for cell in row] for row in table.rows)
    return text.getvalue().encode()


def _plain(cell: Cell) -> str | int | float:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return "" if cell is None else cell


def _xlsx(tables: Sequence[Table]) -> bytes:
    packed = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book: Any = xlsxwriter.Workbook(packed, options)
    for number, table in enumerate(tables):
        _fill(book.add_worksheet(table.name if number else None), table)
    book.close()
    return packed.getvalue()


def _fill(sheet: Any, table: Table) -> None:
    sheet.freeze_panes(1, 0)
    for place, name in enumerate(table.header):
        sheet.write_string(0, place, name)
    for number, row in enumerate(table.rows, start=1):
        for place, cell in enumerate(row):
            if isinstance(cell, bool | str):
                sheet.write_string(number, place, cell if isinstance(cell, str) else str(_plain(cell)))
            elif cell is not None:
                sheet.write_number(number, place, cell)

"""Search by name, old number, subject code, division, office and status: what is found, and in which order."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from sync import searching
from sync.searching import typo_patterns
from sync.store.connection import Pool
from tests.integration.api.conftest import Api, Registry, later, new_code, problem, record_of

FAN = "沈阳鼓风机集团股份有限公司"


async def register(registry: Registry, *names: str, prefix: str = "91210100", **members: Any) -> dict[str, str]:
    """Register organizations in one batch; return their codes by name."""
    codes = {name: new_code(prefix) for name in names}
    office = {"9": "commerce", "5": "civil-affairs", "1": "establishment"}[prefix[0]]
    await registry.push(
        *(registry.message("assign", record_of(code, name=name, **members)) for name, code in codes.items()),
        office=office,
    )
    return codes


async def search(api: Api, query: str, **how: Any) -> list[tuple[str, str]]:
    """Return name and kind of match of everything found, over all pages."""
    found: list[tuple[str, str]] = []
    after = ""
    while True:
        document = (await api.get(f"/v1/registrations?{query}{after}", **how)).json()
        found += [(item["record"]["name"], item["matched"].get("name", "")) for item in document["items"]]
        if document["next"] is None:
            return found
        after = f"&after={document['next']}"


VARIANTS = [
    (FAN, "exact"),
    ("沈阳鼓风机集团股份有限公司（", "typo"),
    (" 沈阳鼓风机　集团股份有限公司", "exact"),
    ("沈阳鼓", "prefix"),
    ("鼓风", "substring"),
    ("风机集", "substring"),
    ("机集团股", "substring"),
    ("沈阳鼓风扇集团股份有限公司", "typo"),
    ("沈阳鼓机集团股份有限公司", "typo"),
    ("沈阳鼓风风机集团股份有限公司", "typo"),
    ("鼓封机集团", "typo"),
    ("沈阳鼓封", "typo"),
    ("沈样鼓风", "typo"),
    ("阳鼓封机", "typo"),
    ("鼓封", None),
    ("沈阳鼓封扇集团", None),
]


async def test_a_name_is_found_by_pieces_variants_and_one_typo(api: Api, registry: Registry) -> None:
    await register(registry, FAN, "大连造船厂有限公司", "大连机床集团有限责任公司")

    found = {asked: await search(api, f"name={quote(asked)}") for asked, _ in VARIANTS}

    expected = {asked: [(FAN, how)] if how else [] for asked, how in VARIANTS}
    assert expected == {asked: [each for each in matches if each[0] == FAN] for asked, matches in found.items()}
    assert [FAN for _, how in VARIANTS if how] == [found[asked][0][0] for asked, how in VARIANTS if how]


async def test_full_width_and_brackets_make_no_difference(api: Api, registry: Registry) -> None:
    await register(registry, "ＡＢＣ（沈阳）·科技有限公司")

    for asked in ("abc(沈阳)", "ABC【沈阳】", "ａｂｃ （沈阳）", "(沈阳)•科技"):
        assert 1 == len(await search(api, f"name={quote(asked)}"))


async def test_signs_of_patterns_stand_for_themselves(api: Api, registry: Registry) -> None:
    await register(registry, "百分之百%有限公司", "百分之百有限公司", "下划_线有限公司")

    assert ["百分之百%有限公司"] == [name for name, _ in await search(api, f"name={quote('百%')}")]
    assert ["下划_线有限公司"] == [name for name, _ in await search(api, f"name={quote('划_线')}")]
    assert [] == await search(api, f"name={quote('__')}")
    assert [] == await search(api, f"name={quote(chr(92) * 2)}")


async def test_the_best_come_first_and_say_how_they_match(api: Api, registry: Registry) -> None:
    await register(registry, "和平商店", "和平商店中山路分店", "沈阳和平商店", "沈阳市铁西区和平商店", "和平商行")

    document = (await api.get(f"/v1/registrations?name={quote('和平商店')}")).json()

    assert ["和平商店", "和平商店中山路分店", "沈阳和平商店", "沈阳市铁西区和平商店"] == [
        item["record"]["name"] for item in document["items"]
    ]
    scores = [item["score"] for item in document["items"]]
    assert (1.0, sorted(scores, reverse=True)) == (scores[0], scores)
    assert {"schema", "uscc", "version", "office", "score", "matched"} <= document["items"][0].keys()
    assert document["capped"] is False


async def test_every_match_comes_once_beyond_those_that_are_ranked(
    api: Api, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "CANDIDATES", 4)
    names = [f"和平{number}店" for number in range(7)] + [f"沈阳和平{number}店" for number in range(9)]
    await register(registry, *names, "和平店", "其他")

    for limit in (2, 3, 100):
        found = [name for name, _ in await search(api, f"name={quote('和平')}&limit={limit}")]
        assert sorted([*names, "和平店"]) == sorted(found)
    first = (await api.get(f"/v1/registrations?name={quote('和平店')}")).json()
    capped = (await api.get(f"/v1/registrations?name={quote('和平')}")).json()
    assert (["和平店"], True) == ([item["record"]["name"] for item in first["items"]], capped["capped"])


async def test_common_and_rare_pieces_are_found_alike(
    api: Api, registry: Registry, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{number}有限公司" for number in range(30)]
    await register(registry, *names, "甲行")

    async def found() -> list[list[tuple[str, str]]]:
        return [sorted(await search(api, f"name={quote(piece)}&limit=7")) for piece in ("公司", "有限公", "甲行")]

    before = await found()
    await pool.execute("analyze holder")
    await pool.execute("update pg_class set reltuples = 1e9 where oid = 'holder'::regclass")
    monkeypatch.setattr(searching, "STATISTICS_SECONDS", 0.0)
    after = await found()

    assert before == after
    assert [30, 30, 1] == [len(each) for each in after]


async def test_old_numbers_lead_to_the_organization(api: Api, registry: Registry) -> None:
    code = new_code()
    await registry.register(code, name=FAN, registration_number="210100000012349", established_on="2010-01-01")
    subject = code[8:17]

    for asked in (
        "210100000012349",
        "２１０１０００００012349",
        subject,
        f"{subject[:8]}-{subject[8]}",
        f"210102{subject}",
    ):
        document = (await api.get(f"/v1/registrations?legacy_number={quote(asked)}")).json()
        assert [(code, 1.0, {"legacy_number": "exact"})] == [
            (item["uscc"], item["score"], item["matched"]) for item in document["items"]
        ]
    assert [(FAN, "")] == await search(api, f"subject_code={subject[:8]}-{subject[8]}")
    assert [(FAN, "substring")] == await search(api, f"subject_code={subject}&name={quote('鼓风机')}")
    assert [] == await search(api, f"subject_code={subject}&name={quote('造船')}")
    assert [] == await search(api, f"subject_code={subject}&legacy_number=210100000099999")
    assert [] == await search(api, "legacy_number=210100000099999")


async def test_division_office_and_status_narrow_and_list(api: Api, registry: Registry) -> None:
    here = await register(registry, "沈阳一号公司", "沈阳二号公司")
    await register(registry, "大连一号公司", prefix="91210200")
    await register(registry, "沈阳一号协会", prefix="51210100", business_scope="交流")
    cancelled = here["沈阳二号公司"]
    record = {"uscc": cancelled, "name": "沈阳二号公司", "approved_on": "2026-11-19"}
    await registry.push(registry.message("cancel", record, at="2026-11-19T09:00:00+08:00"))

    async def names(query: str) -> list[str]:
        return sorted(name for name, _ in await search(api, query))

    assert ["沈阳一号公司", "沈阳一号协会"] == await names("division=210100&status=normal&limit=1")
    assert ["大连一号公司", "沈阳一号公司", "沈阳一号协会", "沈阳二号公司"] == await names("division=21&limit=3")
    assert ["沈阳一号协会"] == await names("office=civil-affairs&limit=1")
    assert ["沈阳二号公司"] == await names("status=cancelled")
    assert ["大连一号公司"] == await names(f"name={quote('一号')}&division=2102")
    assert ["沈阳一号协会"] == await names(f"name={quote('沈阳一号')}&office=civil-affairs")
    assert ["沈阳二号公司"] == await names(f"name={quote('沈阳')}&status=cancelled")
    assert [] == await names("division=2103")


async def test_a_long_walk_is_cut_into_pages(api: Api, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.api.search.WALKED", 1)
    monkeypatch.setattr("service.api.search.WALK_STEP", 2)
    codes = await register(registry, *(f"第{number}公司" for number in range(5)))
    record = {"uscc": max(codes.values()), "name": "第4公司", "approved_on": "2026-11-19"}
    await registry.push(registry.message("cancel", record, at="2026-11-19T09:00:00+08:00"))

    first = (await api.get("/v1/registrations?status=cancelled&limit=1")).json()

    assert ([], True) == (first["items"], first["next"] is not None)
    assert [("第4公司", "")] == await search(api, "status=cancelled&limit=1")


async def test_hidden_and_personal_need_their_scopes(api: Api, registry: Registry, pool: Pool) -> None:
    await register(registry, "机密单位", is_public="0")
    await register(registry, "公开单位")
    await api.add_client("searcher", ["search"])
    query = f"name={quote('单位')}"

    assert ["公开单位"] == [name for name, _ in await search(api, query, key="searcher")]
    assert ["公开单位", "机密单位"] == sorted(name for name, _ in await search(api, query))
    assert [] == await search(api, f"name={quote('机密单位')}", key="searcher")
    masked = (await api.get(f"/v1/registrations?{query}&purpose=x", key="searcher")).json()["items"][0]["record"]
    shown = (await api.get(f"/v1/registrations?name={quote('公开单位')}&purpose=audit")).json()["items"][0]["record"]
    assert ("138****5678", "13812345678") == (masked["contact_phone"], shown["contact_phone"])
    assert [("admin", "audit")] == [
        tuple(row) for row in await pool.fetch("select actor, purpose from audit where action = 'personal_fields_read'")
    ]


async def test_a_budget_counts_what_is_found_and_misses_are_braked(api: Api, registry: Registry) -> None:
    await register(registry, "甲公司", "乙公司")
    await api.add_client("poor", ["search"], organizations_per_day=1)

    one = await api.get(f"/v1/registrations?name={quote('甲公司')}", key="poor")
    two = await api.get(f"/v1/registrations?name={quote('公司')}", key="poor")

    assert (200, (429, "too-many-requests")) == (one.status_code, problem(two))


BAD_QUERIES = [
    ("", "incomplete"),
    ("limit=5", "incomplete"),
    ("name=%E5%85%AC", "too-short"),
    ("name=%20%20%20", "too-short"),
    ("name=ab%00", "bad-text"),
    ("division=2101x", "invalid"),
    ("division=210", "invalid"),
    ("status=gone", "not-listed"),
    ("office=nobody", "unknown-office"),
    ("limit=1001&status=normal", "too-large"),
    ("q=x", "unknown"),
    ("status=normal&status=normal", "repeated"),
    *(
        (f"{query}&after={after}", "bad-cursor")
        for query in ("name=abc", "status=normal", "subject_code=000000019")
        for after in ("x", "W10", "bnVsbA", "WyJyIiwxXQ", "WyJ0IiwiXHUwMDAwIiwiIl0", "eyJhIjoxfQ")
    ),
]


async def test_a_bad_search_says_what_is_wrong(api: Api) -> None:
    for query, code in BAD_QUERIES:
        response = await api.get(f"/v1/registrations?{query}")

        assert (query, 422, "invalid-request") == (query, *problem(response))
        assert (query, [code]) == (query, [error["code"] for error in response.json()["errors"]])


async def test_a_search_can_ask_for_freshness(api: Api) -> None:
    response = await api.get(f"/v1/registrations?status=normal&min_watermark={quote(later(60).isoformat())}")

    assert (503, "behind") == problem(response)


def test_edits_that_leave_only_what_is_common_are_not_looked_for() -> None:
    long, short = typo_patterns("鼓风机厂", lambda parts: "风机厂" in parts or "机厂" in parts)

    assert ["%鼓风机%%"] == long.finders
    assert ["鼓风"] == short.finders
    assert ["%鼓风厂%"] == short.fewer
    assert ["%鼓风_厂%"] == short.other
    assert ["%鼓风_机厂%"] == short.more

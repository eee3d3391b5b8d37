"""What the statistics answer (statistics.md sections 1, 3, 4, 5 and 7)."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
from stats.domain.risk_presets import PRESETS
from stats.domain.runtime import HordeKind, Received
from stats.horde.feed import HordeUnavailable
from support.contents import a_content, a_record
from support.live_figures import PUBLISHED_AT, ScriptedRuntime, a_snapshot, a_status, a_worker
from support.served_statistics import STATISTICS, Served, statistics_of

V2 = "/api/model_references/v2"
IMAGES, TEXTS = "image_generation", "text_generation"
EMPTY = ("lora", "ti", "video_generation")
WORLD = {
    "clip": {"ViT": a_record("clip", "ViT")},
    IMAGES: {name: a_record(IMAGES, name) for name in ("Flux", "Deliberate", "Old")},
    TEXTS: {name: a_record(TEXTS, name) for name in ("pat/Marx-3B", "pat/Marx-7B", "Lone-13B")},
}
FIGURES = {
    HordeKind.IMAGE: a_snapshot(
        HordeKind.IMAGE,
        status=[a_status("Flux", 4), a_status("Deliberate", 2)],
        usage={"Flux": (1, 20, 300), "Deliberate": (2, 50, 60)},
        workers=[a_worker("w1", "Flux")],
    ),
    HordeKind.TEXT: a_snapshot(
        HordeKind.TEXT, status=[a_status("pat/Marx-3B")], usage={"Lone-13B": (1, 2, 3)}
    ),
}
LIVE_PATHS = [
    f"{STATISTICS}/{IMAGES}/with-stats",
    f"{STATISTICS}/{IMAGES}/deletion-risk",
    f"{STATISTICS}/{TEXTS}/audit?group_text_models=true&preset=critical",
    f"{V2}/{IMAGES}/popular",
]


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with statistics_of(a_content(WORLD, revision=3), ScriptedRuntime(dict(FIGURES))) as found:
        await found.until_live(IMAGES, TEXTS)
        yield found


@pytest.fixture
async def cold() -> AsyncIterator[Served]:
    """Return statistics of a catalogue while the AI-Horde is away, and was never there."""
    async with statistics_of(a_content(WORLD), ScriptedRuntime(fails_with=HordeUnavailable(7))) as found:
        yield found


async def get(served: Served, path: str) -> Any:
    answer = await served.ask(path)
    assert answer.status == 200, answer.body
    return answer.json


async def status(served: Served, path: str) -> int:
    answer = await served.ask(path)
    if answer.status >= 400:
        assert "detail" in answer.json
        assert answer.headers["Cache-Control"] == "no-store"
    return answer.status


@pytest.mark.parametrize("end", ["", "/deletion-risk", "/audit", "/with-stats"])
async def test_an_unknown_category_is_invalid(served: Served, end: str) -> None:
    answer = await served.ask(f"{STATISTICS}/stable_diffusion{end}")

    assert answer.status == 422
    (problem,) = answer.json["detail"]
    assert (problem["type"], problem["loc"]) == ("enum", ["path", "model_category_name"])


async def test_the_popular_models_of_an_unknown_category_are_refused_in_words(served: Served) -> None:
    answer = await served.ask(f"{V2}/Clip/popular")

    assert (answer.status, "Clip" in answer.json["detail"]) == (422, True)


@pytest.mark.parametrize(
    ("end", "statuses"),
    [
        ("", {"clip": 200, "esrgan": 404, "lora": 404, "ti": 404}),
        ("/deletion-risk", {"clip": 400, "esrgan": 400, "lora": 400, "ti": 400}),
        ("/with-stats", {"clip": 400, "esrgan": 404, "lora": 400, "ti": 400}),
    ],
)
async def test_categories_without_records_or_figures_are_told_apart(
    served: Served, end: str, statuses: dict[str, int]
) -> None:
    assert {name: await status(served, f"{STATISTICS}/{name}{end}") for name in statuses} == statuses


@pytest.mark.parametrize("category", ["clip", "esrgan", *EMPTY])
async def test_nothing_is_popular_without_figures(served: Served, category: str) -> None:
    assert await get(served, f"{V2}/{category}/popular") == []


async def test_a_category_with_figures_but_without_records_is_missing() -> None:
    async with statistics_of(a_content({"clip": WORLD["clip"]}), ScriptedRuntime(dict(FIGURES))) as served:
        for end in ("", "/with-stats", "/deletion-risk"):
            assert await status(served, f"{STATISTICS}/{IMAGES}{end}") == 404
        assert await get(served, f"{V2}/{IMAGES}/popular") == []


@pytest.mark.parametrize(
    ("path", "place", "kind"),
    [
        (f"{STATISTICS}/clip?limit=0", "limit", "greater_than_equal"),
        (f"{STATISTICS}/clip?offset=-1", "offset", "greater_than_equal"),
        (f"{STATISTICS}/clip?group_text_models=2", "group_text_models", "bool_parsing"),
        (f"{STATISTICS}/{IMAGES}/deletion-risk?limit=x", "limit", "int_parsing"),
        (f"{STATISTICS}/{IMAGES}/deletion-risk?offset=-1", "offset", "greater_than_equal"),
        (f"{STATISTICS}/{IMAGES}/with-stats?sort_by=bogus", "sort_by", "literal_error"),
        (f"{STATISTICS}/{IMAGES}/with-stats?min_worker_count=x", "min_worker_count", "int_parsing"),
        (f"{V2}/{IMAGES}/popular?limit=101", "limit", "less_than_equal"),
        (f"{V2}/{IMAGES}/popular?sort_by=name", "sort_by", "literal_error"),
    ],
)
async def test_a_wrong_parameter_is_invalid(served: Served, path: str, place: str, kind: str) -> None:
    answer = await served.ask(path)

    assert answer.status == 422
    assert [(one["loc"], one["type"]) for one in answer.json["detail"]] == [(["query", place], kind)]


async def test_an_unknown_preset_is_refused_with_the_known_ones(served: Served) -> None:
    answer = await served.ask(f"{STATISTICS}/{IMAGES}/deletion-risk?preset=Critical")

    assert answer.status == 400
    assert all(preset in answer.json["detail"] for preset in PRESETS)


async def test_presets_are_listed(served: Served) -> None:
    presets = await get(served, f"{STATISTICS}/deletion-risk/presets")

    assert [one["name"] for one in presets] == list(PRESETS)
    assert all(one["description"] for one in presets)


async def test_statistics_echo_the_page_of_their_own_request_only(served: Served) -> None:
    page = await get(served, f"{STATISTICS}/clip?limit=5&offset=2")
    plain = await get(served, f"{STATISTICS}/clip")

    assert (page["limit"], page["offset"], page["total_models"]) == (5, 2, 1)
    assert plain == {**page, "limit": None, "offset": 0}


async def test_families_are_counted_as_one(served: Served) -> None:
    path = f"{STATISTICS}/{TEXTS}"

    assert (await get(served, path))["total_models"] == 3
    assert (await get(served, f"{path}?group_text_models=true"))["total_models"] == 2


async def test_the_former_name_of_deletion_risk_answers_the_same(served: Served) -> None:
    for query in ("", "?limit=1", "?preset=no_workers"):
        new = await served.ask(f"{STATISTICS}/{IMAGES}/deletion-risk{query}")
        old = await served.ask(f"{STATISTICS}/{IMAGES}/audit{query}")
        assert (new.body, new.headers["ETag"]) == (old.body, old.headers["ETag"])


async def test_everything_is_there_without_the_prefix_too(served: Served) -> None:
    for path in (*LIVE_PATHS, f"{STATISTICS}/clip", f"{STATISTICS}/deletion-risk/presets"):
        with_prefix = await served.ask(path)
        without = await served.ask(path.removeprefix("/api"))
        assert (without.status, without.body) == (200, with_prefix.body)


async def test_the_first_grouped_answer_and_the_second_are_the_same(served: Served) -> None:
    path = f"{STATISTICS}/{TEXTS}/deletion-risk"
    grouped = [await get(served, f"{path}?group_text_models=true") for _ in range(2)]
    plain = await get(served, path)

    assert grouped[0] == grouped[1]
    assert [one["name"] for one in grouped[0]["models"]] == ["Lone", "Marx"]
    assert (grouped[0]["total_count"], grouped[0]["returned_count"]) == (3, 2)
    assert plain["returned_count"] == 3


async def test_back_ends_are_told_of_text_models_that_stand_alone(served: Served) -> None:
    path = f"{STATISTICS}/{{}}/deletion-risk?include_backend_variations=true"
    texts = (await get(served, path.format(TEXTS)))["models"]
    families = (await get(served, path.format(TEXTS) + "&group_text_models=true"))["models"]
    images = (await get(served, path.format(IMAGES)))["models"]

    assert all(one["backend_variations"] is not None for one in texts)
    assert all(one["backend_variations"] is None for one in (*families, *images))


async def test_a_filter_and_a_sort_are_answered(served: Served) -> None:
    path = f"{STATISTICS}/{IMAGES}/with-stats"

    assert list(await get(served, path)) == ["Flux", "Deliberate", "Old"]
    assert list(await get(served, f"{path}?sort_by=usage_month")) == ["Deliberate", "Flux", "Old"]
    assert list(await get(served, f"{path}?min_worker_count=1")) == ["Flux", "Deliberate"]
    named = await get(served, f"{path}?include_workers=true&min_worker_count=1")
    assert {name: list(one["worker_summaries"]) for name, one in named.items()} == {"Flux": ["w1"]}


async def test_popular_models_come_with_records_and_figures(served: Served) -> None:
    first, second = await get(served, f"{V2}/{IMAGES}/popular?limit=2&sort_by=usage_day")

    assert (first["name"], second["name"]) == ("Deliberate", "Flux")
    assert first["record"]["baseline"] == "stable_diffusion_1"
    assert first["stats"]["usage_stats"] == {"day": 2, "month": 50, "total": 60}


@pytest.mark.parametrize("path", LIVE_PATHS)
async def test_answers_tell_how_old_their_figures_are(served: Served, path: str) -> None:
    headers = (await served.ask(path)).headers

    assert headers["X-Runtime-Fetched-At"] == str(int(PUBLISHED_AT) - 3)
    assert headers["X-Runtime-Stale"] == "false"
    assert int(headers["Age"]) >= 0
    assert headers["X-Revision"] == "3"


async def test_old_figures_are_marked() -> None:
    told = FIGURES[HordeKind.IMAGE]
    usage = replace(told.usage or Received({}, 0.0), stale=True, fetched_at=1000.0, skipped=4)
    runtime = ScriptedRuntime({HordeKind.IMAGE: replace(told, usage=usage)})
    async with statistics_of(a_content(WORLD), runtime) as served:
        await served.until_live(IMAGES)
        answer = await served.ask(f"{STATISTICS}/{IMAGES}/deletion-risk")

    assert answer.headers["X-Runtime-Stale"] == "true"
    assert answer.headers["X-Runtime-Fetched-At"] == "1000"
    assert answer.json["runtime"]["usage"] == {"fetched_at": 1000, "stale": True, "skipped": 4}
    assert answer.json["runtime"]["status"]["stale"] is False


async def test_a_missing_source_leaves_the_rest() -> None:
    told = replace(FIGURES[HordeKind.IMAGE], usage=None)
    async with statistics_of(a_content(WORLD), ScriptedRuntime({HordeKind.IMAGE: told})) as served:
        await served.until_live(IMAGES)
        answer = await served.ask(f"{STATISTICS}/{IMAGES}/deletion-risk")

    assert answer.headers["X-Runtime-Stale"] == "true"
    assert answer.json["runtime"]["usage"]["fetched_at"] is None
    assert {one["usage_month"] for one in answer.json["models"]} == {None}
    assert answer.json["summary"]["models_critical"] == 0


async def test_statistics_of_records_are_of_no_age(served: Served) -> None:
    headers = (await served.ask(f"{STATISTICS}/{IMAGES}")).headers

    assert {"X-Runtime-Fetched-At", "X-Runtime-Stale", "Age"} & set(headers) == set()


@pytest.mark.parametrize("path", [*LIVE_PATHS, f"{STATISTICS}/clip", f"{STATISTICS}/{IMAGES}?limit=4"])
async def test_what_a_client_has_is_not_sent_again(served: Served, path: str) -> None:
    first = await served.ask(path)
    again = await served.ask(path, headers={"If-None-Match": first.headers["ETag"]})

    assert (again.status, again.body) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]


async def test_newer_figures_have_another_validator(served: Served) -> None:
    path = f"{STATISTICS}/{IMAGES}/deletion-risk?limit=2"
    before = await served.ask(path)
    served.side.engine.take(a_content(WORLD, revision=4))
    after = await served.ask(path, headers={"X-Min-Revision": "4"})

    assert before.headers["ETag"] != after.headers["ETag"]
    assert (before.json["reference_revision"], after.json["reference_revision"]) == (3, 4)
    assert after.headers["X-Revision"] == "4"


async def test_a_revision_that_does_not_come_in_time_is_a_503() -> None:
    async with statistics_of(a_content(WORLD), min_revision_wait_seconds=0.05) as served:
        served.source.reaches = False
        answer = await served.ask(f"{STATISTICS}/clip", headers={"X-Min-Revision": "9"})

    assert (answer.status, "Retry-After" in answer.headers) == (503, True)


@pytest.mark.parametrize("path", LIVE_PATHS)
async def test_without_any_figures_the_answer_is_a_502_at_once(cold: Served, path: str) -> None:
    answer = await cold.ask(path)

    assert (answer.status, answer.headers["Retry-After"]) == (502, "7")
    assert isinstance(answer.json["detail"], str)


async def test_without_any_figures_the_rest_is_answered(cold: Served) -> None:
    assert await status(cold, f"{STATISTICS}/{IMAGES}") == 200
    assert await status(cold, f"{STATISTICS}/clip/with-stats") == 400
    assert await status(cold, f"{STATISTICS}/{IMAGES}/deletion-risk?preset=nonsense") == 400
    assert await status(cold, f"{V2}/clip/popular") == 200
    assert cold.runtime.waits == []


async def test_without_a_catalogue_the_answer_is_a_503() -> None:
    async with statistics_of(None) as served:
        for path in (*LIVE_PATHS, f"{STATISTICS}/clip", f"{V2}/clip/popular"):
            assert await status(served, path) == 503
        assert await status(served, f"{STATISTICS}/deletion-risk/presets") == 200


async def test_a_source_that_is_out_of_reach_is_told_with_every_answer(served: Served) -> None:
    served.source.stale = True

    for path in (*LIVE_PATHS, f"{STATISTICS}/clip", f"{STATISTICS}/lora"):
        assert (await served.ask(path)).headers["X-Stale"] == "true"


async def test_a_head_has_the_headers_of_a_get(served: Served) -> None:
    for path in (*LIVE_PATHS, f"{STATISTICS}/clip"):
        get_answer, head = await served.ask(path), await served.ask(path, "HEAD")
        assert (head.status, head.body) == (200, b"")
        for name in ("ETag", "Content-Length", "X-Revision"):
            assert head.headers[name] == get_answer.headers[name]


async def test_other_methods_are_refused(served: Served) -> None:
    answer = await served.ask(f"{STATISTICS}/clip", "POST")

    assert (answer.status, answer.headers["Allow"]) == (405, "GET,HEAD")


async def test_every_category_of_the_schema_has_its_path(served: Served) -> None:
    known = {str(name): await status(served, f"{STATISTICS}/{name}") for name in MODEL_REFERENCE_CATEGORY}

    assert {name for name, code in known.items() if code == 200} == set(WORLD)
    assert set(known.values()) == {200, 404}


async def test_the_shortcut_answers_what_the_router_answers() -> None:
    content = a_content(WORLD)
    differs = {"Date", "X-Request-ID", "Age"}
    async with (
        statistics_of(content, ScriptedRuntime(dict(FIGURES))) as quick,
        statistics_of(content, ScriptedRuntime(dict(FIGURES)), with_shortcut=False) as slow,
    ):
        for one in (quick, slow):
            await one.until_live(IMAGES, TEXTS)
        for path in (
            *LIVE_PATHS,
            f"{STATISTICS}/clip",
            f"{STATISTICS}/lora",
            f"{STATISTICS}/clip/with-stats",
        ):
            first, second = await quick.ask(path), await slow.ask(path)
            assert (first.status, first.body) == (second.status, second.body)
            assert {k: v for k, v in first.headers.items() if k not in differs} == {
                k: v for k, v in second.headers.items() if k not in differs
            }


async def test_large_answers_are_sent_packed(served: Served) -> None:
    path = f"{STATISTICS}/{IMAGES}/deletion-risk"
    plain = await served.ask(path)
    for coding in ("gzip", "br"):
        packed = await served.ask(path, headers={"Accept-Encoding": coding})
        assert packed.headers["Content-Encoding"] == coding
        assert len(packed.body) < len(plain.body)


async def test_names_with_any_characters_survive() -> None:
    names = ['q"uote', "🜁 emoji", "a/b", "line\nbreak"]
    content = a_content({IMAGES: {name: a_record(IMAGES, name) for name in names}})
    async with statistics_of(content, ScriptedRuntime(dict(FIGURES))) as served:
        await served.until_live(IMAGES)
        answer = await served.ask(f"{STATISTICS}/{IMAGES}/with-stats?sort_by=usage_day")

    assert list(json.loads(answer.body)) == names

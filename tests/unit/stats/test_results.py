import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
from registry.catalogue import SideData
from registry.content import CatalogueContent
from service_kit.slices import run_now
from stats.domain.category_source import RecordsUnreadable
from stats.domain.live_tables import RiskVariant
from stats.domain.risk_rules import RiskRules
from stats.domain.runtime import HordeKind
from stats.results import Results, Snapshots, result_steps
from support.contents import SEED_SECONDS, SEED_TIME, a_content, a_record, category_content
from support.live_figures import PUBLISHED_AT, a_snapshot, a_status, a_worker

IMAGES = {
    name: a_record("image_generation", name, size_on_disk_bytes=2 * 1024**3)
    for name in ("Deliberate", "Flux", "Old")
}
TEXTS = {name: a_record("text_generation", name) for name in ("pat/Marx-3B", "pat/Marx-7B", "Lone-13B")}
WORLD = {"clip": {"ViT": a_record("clip", "ViT")}, "image_generation": IMAGES, "text_generation": TEXTS}
IMAGE_FIGURES = a_snapshot(
    HordeKind.IMAGE,
    status=[a_status("Flux", 4), a_status("deliberate", 2)],
    usage={"Flux": (1, 20, 300), "Deliberate": (2, 50, 60), "Stranger": (5, 6, 7)},
    workers=[a_worker("w1", "Flux", "Deliberate"), a_worker("w2", "Flux", online=False)],
)
TEXT_FIGURES = a_snapshot(
    HordeKind.TEXT,
    status=[a_status("koboldcpp/Marx-3B", 1), a_status("aphrodite/pat/Marx-3B", 2)],
    usage={"koboldcpp/Marx-3B": (1, 2, 3), "pat/Marx-7B": (10, 20, 30)},
    workers=[a_worker("w3", "koboldcpp/Marx-3B")],
)
FIGURES = {HordeKind.IMAGE: IMAGE_FIGURES, HordeKind.TEXT: TEXT_FIGURES}


def built(
    content: CatalogueContent | None, snapshots: Snapshots = FIGURES, previous: Results | None = None
) -> Results:
    return run_now(result_steps(content, snapshots, RiskRules(), previous))


def documents(results: Results) -> dict[str, tuple[bytes, str]]:
    """Return all prebuilt bodies with their validators."""
    found: dict[str, tuple[bytes, str]] = {}
    for category, one in results.categories.items():
        made = {"statistics": one.statistics, "grouped": one.grouped_statistics}
        if one.live is not None:
            made |= {"with-stats": one.live.with_stats, "popular": one.live.popular}
            made |= {f"risk {variant}": document for variant, document in one.live.risk.items()}
        found |= {f"{category} {name}": (each.identity, each.digest) for name, each in made.items()}
    return found


def risk(results: Results, category: str, variant: RiskVariant = RiskVariant.PLAIN) -> dict[str, Any]:
    live = results.categories[category].live
    assert live is not None
    answer: dict[str, Any] = json.loads(live.risk[variant].identity)
    return answer


def with_stats(results: Results, category: str) -> dict[str, Any]:
    live = results.categories[category].live
    assert live is not None
    answer: dict[str, Any] = json.loads(live.with_stats.identity)
    return answer


def test_an_empty_journal_has_no_categories() -> None:
    results = built(None)

    assert (results.revision, results.revision_text, dict(results.categories)) == (0, "0", {})


def test_a_category_without_records_is_absent() -> None:
    results = built(a_content({**WORLD, "image_generation": {}}))

    assert list(results.categories) == ["clip", "text_generation"]


def test_two_instances_give_equal_bytes() -> None:
    assert documents(built(a_content(WORLD))) == documents(built(a_content(WORLD)))


def test_an_instance_that_saw_everything_gives_the_bytes_of_one_that_just_began() -> None:
    first = built(a_content(WORLD), {HordeKind.IMAGE: IMAGE_FIGURES})
    second = built(a_content(WORLD), FIGURES, first)
    newest = a_content({**WORLD, "clip": {}}, revision=2)

    assert documents(built(newest, FIGURES, second)) == documents(built(newest, FIGURES))


def test_a_later_revision_leaves_nothing_of_the_one_before_behind() -> None:
    before = built(a_content(WORLD))
    later = SEED_TIME + timedelta(hours=1)
    fewer = {**WORLD, "image_generation": {"Flux": IMAGES["Flux"]}}
    newest = replace(a_content(fewer, revision=2), committed_at=later)

    assert documents(built(newest, FIGURES, before)) == documents(built(newest, FIGURES))


def test_the_key_of_an_answer_names_all_that_it_was_made_from() -> None:
    content, newer = a_content(WORLD), {**FIGURES}
    newer[HordeKind.IMAGE] = replace(IMAGE_FIGURES, published_at=PUBLISHED_AT + 1)
    anew = replace(content, committed_at=SEED_TIME + timedelta(hours=1))
    worlds = [
        built(content),
        built(content, {}),
        built(content, newer),
        built(a_content(WORLD, revision=2)),
        built(anew),
    ]

    keys = [results.key("image_generation") for results in worlds]

    assert len(set(keys)) == len(worlds)
    assert keys[0] == built(a_content(WORLD)).key("image_generation") != worlds[0].key("text_generation")


def test_what_did_not_change_is_taken_over() -> None:
    content = a_content(WORLD)
    before = built(content)
    newer = {**FIGURES, HordeKind.TEXT: replace(TEXT_FIGURES, published_at=PUBLISHED_AT + 60)}

    after = built(content, newer, before)

    images, texts = after.categories["image_generation"], after.categories["text_generation"]
    assert images.live is before.categories["image_generation"].live
    assert texts.live is not before.categories["text_generation"].live
    assert texts.statistics is before.categories["text_generation"].statistics


def test_a_revision_of_another_category_leaves_the_figures_but_tells_its_number() -> None:
    before = built(a_content(WORLD))
    after = built(a_content({**WORLD, "clip": {"New": a_record("clip", "New")}}, revision=2), FIGURES, before)

    old, new = before.categories["image_generation"].live, after.categories["image_generation"].live
    assert old is not None
    assert new is not None
    assert new.tables is old.tables
    assert new.with_stats is old.with_stats
    assert risk(after, "image_generation")["reference_revision"] == 2


def test_a_new_alias_changes_the_families_of_text_models() -> None:
    before = built(a_content(WORLD))
    aliased = a_content(WORLD, revision=2, side_data=SideData(aliases={"Marx": ("Lone",)}))

    after = built(aliased, FIGURES, before)

    names = [model["name"] for model in risk(after, "text_generation", RiskVariant.GROUPED)["models"]]
    assert names == ["Marx"]
    assert len(risk(before, "text_generation", RiskVariant.GROUPED)["models"]) == 2


@pytest.mark.parametrize("body", [b"[]", b"nothing", b'{"a": '])
def test_records_that_cannot_be_read_are_an_error(body: bytes) -> None:
    content = replace(a_content(WORLD), categories={"clip": category_content("clip", body)})

    with pytest.raises(RecordsUnreadable):
        built(content)


def test_a_record_that_is_no_object_is_left_out() -> None:
    document = b'{"ViT": {"name": "ViT"}, "odd": 5, "null": null}'
    content = replace(a_content(WORLD), categories={"clip": category_content("clip", document)})

    assert json.loads(built(content).categories["clip"].statistics.identity)["total_models"] == 1


def test_statistics_tell_the_time_of_the_revision() -> None:
    statistics = json.loads(built(a_content(WORLD)).categories["clip"].statistics.identity)

    assert (statistics["total_models"], statistics["computed_at"]) == (1, SEED_SECONDS)


def test_statistics_need_no_figures() -> None:
    results = built(a_content(WORLD), {})

    assert list(results.categories) == ["clip", "image_generation", "text_generation"]
    assert all(one.live is None for one in results.categories.values())


def test_statistics_echo_what_was_asked_for() -> None:
    found = built(a_content(WORLD)).categories["text_generation"]

    page = json.loads(found.statistics_page(grouped=True, limit=5, offset=2))

    assert (page["limit"], page["offset"], page["total_models"]) == (5, 2, 2)
    assert json.loads(found.grouped_statistics.identity) == {**page, "limit": None, "offset": 0}


def test_risk_tells_what_it_was_made_from() -> None:
    answer = risk(built(a_content(WORLD, revision=7)), "image_generation")

    assert answer["reference_revision"] == 7
    assert answer["computed_at"] == int(PUBLISHED_AT)
    assert answer["runtime"]["status"] == {"fetched_at": int(PUBLISHED_AT) - 3, "stale": False, "skipped": 0}


def test_risk_of_a_revision_that_is_newer_than_the_figures_tells_its_time() -> None:
    old = {kind: replace(one, published_at=5.5) for kind, one in FIGURES.items()}

    assert risk(built(a_content(WORLD), old), "image_generation")["computed_at"] == SEED_SECONDS


def test_what_belongs_to_no_model_is_told() -> None:
    answer = risk(built(a_content(WORLD)), "image_generation")

    assert answer["unattributed"] == {
        "name_count": 1,
        "names": ["Stranger"],
        "thread_count": 0,
        "usage_day": 5,
        "usage_month": 6,
        "usage_total": 7,
    }
    assert answer["category_total_month_usage"] == 70


def test_only_text_models_have_other_forms_of_the_report() -> None:
    results = built(a_content(WORLD))
    images, texts = (
        results.categories["image_generation"].live,
        results.categories["text_generation"].live,
    )
    assert images is not None
    assert texts is not None

    assert list(images.risk) == [RiskVariant.PLAIN]
    assert set(texts.risk) == set(RiskVariant)
    plain, varied = (
        risk(results, "text_generation", form) for form in (RiskVariant.PLAIN, RiskVariant.VARIATIONS)
    )
    assert {model["backend_variations"] for model in plain["models"]} == {None}
    backends = {
        model["name"]: [one["backend"] for one in model["backend_variations"]] for model in varied["models"]
    }
    assert backends == {
        "pat/Marx-7B": ["canonical"],
        "pat/Marx-3B": ["aphrodite", "koboldcpp"],
        "Lone-13B": [],
    }


def test_a_missing_source_is_unknown_and_not_zero() -> None:
    silent = a_snapshot(HordeKind.IMAGE, status=None, usage=None, workers=[a_worker("w1", "Flux")])
    results = built(a_content(WORLD), {HordeKind.IMAGE: silent})

    flux = with_stats(results, "image_generation")["Flux"]
    report = risk(results, "image_generation")

    assert (flux["worker_count"], flux["thread_count"], flux["usage_stats"]) == (None, None, None)
    assert flux["active_worker_count"] == 1
    assert report["summary"]["models_with_no_active_workers"] == 0
    assert report["summary"]["models_with_zero_month_usage"] == 0
    assert report["runtime"]["usage"] == {"fetched_at": None, "stale": True, "skipped": 0}


def test_a_model_that_the_sources_do_not_mention_is_zero() -> None:
    old = with_stats(built(a_content(WORLD)), "image_generation")["Old"]

    assert (old["worker_count"], old["active_worker_count"]) == (0, 0)
    assert old["usage_stats"] == {"day": 0, "month": 0, "total": 0}
    assert (old["queued_jobs"], old["performance"], old["worker_summaries"]) == (None, None, None)


def test_figures_have_the_members_that_clients_know_in_their_order() -> None:
    flux = with_stats(built(a_content(WORLD)), "image_generation")["Flux"]

    assert list(flux) == [
        "queued_jobs",
        "performance",
        "eta",
        "queued",
        "usage_stats",
        "worker_summaries",
        "backend_variations",
        "worker_count",
        "thread_count",
        "active_worker_count",
    ]


def test_names_that_are_no_text_of_unicode_do_no_harm() -> None:
    odd = a_snapshot(HordeKind.IMAGE, status=[a_status("half \ud800")], usage={"half \ud800": (1, 2, 3)})

    results = built(a_content(WORLD), {HordeKind.IMAGE: odd})

    assert risk(results, "image_generation")["unattributed"]["names"] == ["half \ud800"]


def test_every_category_of_the_schema_can_be_built() -> None:
    everything = {str(name): {"one": a_record(str(name), "one")} for name in MODEL_REFERENCE_CATEGORY}

    results = built(a_content(everything))

    assert list(results.categories) == [str(name) for name in MODEL_REFERENCE_CATEGORY]

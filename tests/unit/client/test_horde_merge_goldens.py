import json
from typing import Any

from horde_model_reference.integrations.horde_figures import read_status, read_usage, read_workers
from horde_model_reference.integrations.horde_merge import CategoryFigures, ModelFigures, figures_of
from support.horde_world import HordeWorld
from support.reference_data import SHARED, requires_shared

GOLDEN = SHARED / "data" / "golden" / "statistics"


def golden(name: str) -> Any:
    return json.loads((GOLDEN / name).read_bytes())


def text_figures(world: HordeWorld) -> CategoryFigures:
    return figures_of(
        "text_generation",
        world.models["text"],
        read_status(world.status("text")),
        read_usage(world.usage("text")),
        read_workers(world.workers("text")),
    )


def image_figures() -> CategoryFigures:
    models = json.loads((SHARED / "data" / "image" / "stable_diffusion.json").read_bytes())
    return figures_of(
        "image_generation",
        models,
        read_status(golden("inputs/status_image_all.json")),
        read_usage(golden("inputs/stats_image.json")),
        read_workers(golden("inputs/workers_image.json")),
    )


def described(model: ModelFigures) -> dict[str, object]:
    assert model.usage is not None
    return {
        "usage": {"day": model.usage.day, "month": model.usage.month, "total": model.usage.total},
        "threads": model.thread_count,
        "workers": [worker.id for worker in model.workers or ()],
        "backends": {
            share.backend: {
                "usage_day": share.usage.day,
                "usage_month": share.usage.month,
                "usage_total": share.usage.total,
                "threads": share.thread_count,
                "workers": share.active_worker_count,
            }
            for share in model.backends
            if share.usage is not None
        },
    }


def month_usage(model: ModelFigures) -> int:
    return model.usage.month if model.usage else 0


@requires_shared
def test_the_most_used_text_models_have_the_figures_that_they_should_have() -> None:
    expected = golden("corrected_text_models_top25.json")
    figures = text_figures(HordeWorld())
    by_use = sorted(figures.models, key=lambda name: -month_usage(figures.models[name]))
    assert by_use[:25] == list(expected["models"])
    for name, model in expected["models"].items():
        assert described(figures.models[name]) == model
    rest = figures.unattributed.usage
    assert {"day": rest.day, "month": rest.month, "total": rest.total} == expected["unattributed_usage"]


@requires_shared
def test_the_usage_of_all_text_names_is_found_again() -> None:
    world = HordeWorld()
    figures = text_figures(world)
    attributed = sum(month_usage(model) for model in figures.models.values())
    assert attributed + figures.unattributed.usage.month == sum(world.usage("text")["month"].values())
    assert sum(1 for model in figures.models.values() if model.thread_count) == 46


@requires_shared
def test_image_models_do_not_share_usage() -> None:
    figures = image_figures()
    assert sum(month_usage(model) for model in figures.models.values()) == 898937
    for model in golden("corrected_deletion_risk_image_generation.json")["changed_models"]:
        found = figures.models[model["name"]]
        assert found.usage is not None
        assert (found.thread_count, found.usage.day, found.usage.month, found.usage.total) == (
            model["worker_count"],
            model["usage_day"],
            model["usage_month"],
            model["usage_total"],
        )


@requires_shared
def test_what_was_right_about_image_models_stays() -> None:
    figures = image_figures()
    for name, old in golden("with_stats_image_generation.json")["response"].items():
        found = figures.models[name]
        told = (found.thread_count, found.queued, found.queued_jobs, found.performance, found.eta)
        assert told == tuple(
            old[field] for field in ("worker_count", "queued", "queued_jobs", "performance", "eta")
        )

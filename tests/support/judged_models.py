"""Made-up records and figures of the AI-Horde, and the deletion risk that follows from them."""

from collections.abc import Iterable, Mapping
from typing import Any

from horde_model_reference.integrations.horde_figures import Usage, Worker
from horde_model_reference.integrations.horde_merge import CategoryFigures, ModelFigures, Unattributed
from stats.domain.deletion_risk import RiskReport, risk_report
from stats.domain.risk_rules import RiskRules

IMAGE, TEXT = "image_generation", "text_generation"
HUGGINGFACE = "https://huggingface.co/a/file.safetensors"

USED = Usage(day=10, month=300, total=9000)
UNUSED = Usage(day=0, month=0, total=0)


def a_worker(identity: str) -> Worker:
    """Return a worker at work."""
    return Worker(
        id=identity,
        name=identity,
        performance="",
        online=True,
        maintenance_mode=False,
        trusted=True,
        uptime=1,
        models=(),
    )


def model_figures(
    usage: Usage | None = USED, threads: int | None = 3, workers: Iterable[str] | None = ("one", "two")
) -> ModelFigures:
    """Return the figures of a model that is at work, unless told otherwise."""
    at_work = None if workers is None else tuple(a_worker(identity) for identity in workers)
    return ModelFigures(thread_count=threads, usage=usage, workers=at_work)


def some_figures(models: Mapping[str, ModelFigures]) -> CategoryFigures:
    """Return the figures of a category in which nothing is unattributed."""
    return CategoryFigures(models=models, unattributed=Unattributed())


def with_files(*urls: object) -> dict[str, Any]:
    """Return the part of a record that says where its files are."""
    return {"config": {"download": [{"file_name": "file", "file_url": url} for url in urls]}}


def a_described_record(**fields: Any) -> dict[str, Any]:
    """Return a record that nothing speaks against."""
    return {
        "description": "draws",
        "baseline": "stable_diffusion_1",
        "nsfw": False,
        "size_on_disk_bytes": 2 * 1024**3,
        **with_files(HUGGINGFACE),
        **fields,
    }


def judged(
    record: Mapping[str, Any] | None = None,
    figures: ModelFigures | None = None,
    *,
    category: str = IMAGE,
    others: int = 0,
    rules: RiskRules | None = None,
) -> dict[str, Any]:
    """Return the judgement of one model. `others` is the month's usage of another model."""
    records = {"judged": a_described_record() if record is None else record, "other": a_described_record()}
    found = {
        "judged": model_figures() if figures is None else figures,
        "other": model_figures(Usage(0, others, others)),
    }
    report = risk_report(category, records, some_figures(found), rules or RiskRules())
    return by_name(report)["judged"]


def by_name(report: RiskReport) -> dict[str, dict[str, Any]]:
    """Return the models of a report by their names."""
    return {model["name"]: model for model in report.models}


def flags_set(model: Mapping[str, Any]) -> set[str]:
    """Return the names of the flags that are set."""
    return {name for name, is_set in model["deletion_risk_flags"].items() if is_set}

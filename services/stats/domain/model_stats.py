"""The live figures of one model as an answer shows them (statistics.md section 3)."""

from typing import Any

from horde_model_reference.integrations.horde_figures import Usage, Worker
from horde_model_reference.integrations.horde_merge import BackendFigures, ModelFigures
from stats.domain.backend_variations import variant_name


def shown_worker_count(figures: ModelFigures, *, include_workers: bool) -> int | None:
    """Return what `worker_count` stands for: workers where they were asked for, else their threads.

    None where the AI-Horde did not tell (aihorde-api.md sections 5.2 and 6).
    """
    return figures.active_worker_count if include_workers else figures.thread_count


def model_stats(
    name: str, figures: ModelFigures, *, include_workers: bool = False, include_variations: bool = False
) -> dict[str, Any]:
    """Return every member, those that are null included."""
    return {
        "queued_jobs": figures.queued_jobs,
        "performance": figures.performance,
        "eta": figures.eta,
        "queued": figures.queued,
        "usage_stats": _usage(figures.usage),
        "worker_summaries": _workers(figures.workers) if include_workers else None,
        "backend_variations": _variations(name, figures) if include_variations else None,
        "worker_count": shown_worker_count(figures, include_workers=include_workers),
        "thread_count": figures.thread_count,
        "active_worker_count": figures.active_worker_count,
    }


def _usage(usage: Usage | None) -> dict[str, int] | None:
    return None if usage is None else {"day": usage.day, "month": usage.month, "total": usage.total}


def _workers(workers: tuple[Worker, ...] | None) -> dict[str, dict[str, Any]] | None:
    """Return the workers by id; null for none, as clients know it."""
    if not workers:
        return None
    return {
        worker.id: {
            "id": worker.id,
            "name": worker.name,
            "performance": worker.performance,
            "online": worker.online,
            "trusted": worker.trusted,
            "uptime": worker.uptime,
        }
        for worker in workers
    }


def _variations(name: str, figures: ModelFigures) -> dict[str, dict[str, Any]]:
    return {str(one.backend): _variation(name, one) for one in figures.backends}


def _variation(name: str, one: BackendFigures) -> dict[str, Any]:
    usage = one.usage
    return {
        "backend": str(one.backend),
        "variant_name": variant_name(name, one),
        "worker_count": one.thread_count,
        "performance": one.performance,
        "queued": one.queued,
        "queued_jobs": one.queued_jobs,
        "eta": one.eta,
        "usage_day": usage.day if usage else None,
        "usage_month": usage.month if usage else None,
        "usage_total": usage.total if usage else None,
        "names": one.names,
    }

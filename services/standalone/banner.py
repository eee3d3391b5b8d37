"""What the service says when it is ready."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Final

from registry.content import CatalogueContent
from registry.state import State
from standalone.seed_sources import SAMPLE_ORIGIN
from standalone.settings import StandaloneSettings

DISTRIBUTION: Final = "horde-model-reference-services"


def banner(
    settings: StandaloneSettings,
    state: State,
    content: CatalogueContent | None,
    model_counts: Mapping[str, int],
    address: str,
) -> str:
    """Return mode, format, revision and its origin, models of each category, storage and address."""
    lines = [
        f"Horde Model Reference {version(DISTRIBUTION)}",
        f"  mode      PRIMARY, canonical format {settings.canonical_format}",
        f"  revision  {_revision(state, content)}",
        f"  models    {_models(model_counts)}",
        f"  storage   {_storage(settings)}",
        f"  address   {address}/api  (documentation: {address}/api/docs)",
    ]
    rejected = sum(len(items) for items in content.side_data.rejected.values()) if content else 0
    if rejected:
        lines.insert(4, f"  left out  {rejected} records, see {address}/api/status")
    if state.seeded_from == SAMPLE_ORIGIN:
        lines.append("  These are made-up models. For the real ones: make seed FROM=github")
    return "\n".join(lines) + "\n"


def _revision(state: State, content: CatalogueContent | None) -> str:
    if content is None:
        return "none: the journal is empty"
    return (
        f"{content.revision} of {content.committed_at:%Y-%m-%d %H:%M:%S} UTC, seeded from {state.seeded_from}"
    )


def _models(model_counts: Mapping[str, int]) -> str:
    counts = ", ".join(f"{name} {count}" for name, count in model_counts.items() if count)
    return f"{sum(model_counts.values())}: {counts}" if counts else "0"


def _storage(settings: StandaloneSettings) -> str:
    if settings.s3.configured:
        return f"bucket {settings.s3.bucket} at {settings.s3.endpoint_url or 'AWS'}"
    return str(settings.data_dir)

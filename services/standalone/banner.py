"""What the service says when it is ready."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Final

from read_api.pages import Pages
from read_api.replica.copies import Copy, Origin
from registry.content import CatalogueContent
from registry.state import State
from standalone.seed_sources import SAMPLE_ORIGIN
from standalone.settings import StandaloneSettings

ORIGINS: Final[Mapping[Origin, str]] = {
    "primary": "from the PRIMARY",
    "documents": "from the documents of the PRIMARY, which knows no revisions",
    "github": "from the files on GitHub",
}
DISTRIBUTION: Final = "horde-model-reference-services"


def banner(
    settings: StandaloneSettings, state: State, content: CatalogueContent | None, pages: Pages, address: str
) -> str:
    """Return mode, format, revision and its origin, models of each category, storage and address."""
    mode = f"PRIMARY, canonical format {settings.canonical_format}"
    lines = _lines(mode, _revision(state, content), pages, _storage(settings), address)
    rejected = sum(len(items) for items in content.side_data.rejected.values()) if content else 0
    if rejected:
        lines.insert(4, f"  left out  {rejected} records, see {address}/api/status")
    if state.seeded_from == SAMPLE_ORIGIN:
        lines.append("  These are made-up models. For the real ones: make seed FROM=github")
    return "\n".join(lines) + "\n"


def replica_banner(settings: StandaloneSettings, copy: Copy, pages: Pages, address: str) -> str:
    """Return the same for a replica, with what it follows."""
    mode = f"REPLICA of {settings.primary_api_url or 'GitHub'}"
    revision = f"{copy.revision} of {copy.content.committed_at:%Y-%m-%d %H:%M:%S} UTC, {ORIGINS[copy.origin]}"
    storage = f"{settings.data_dir}, for starts while the PRIMARY is away"
    return "\n".join(_lines(mode, revision, pages, storage, address)) + "\n"


def _lines(mode: str, revision: str, pages: Pages, storage: str, address: str) -> list[str]:
    counts = {name: len(category.models) for name, category in pages.categories.items()}
    return [
        f"Horde Model Reference {version(DISTRIBUTION)}",
        f"  mode      {mode}",
        f"  revision  {revision}",
        f"  models    {_models(counts)}",
        f"  storage   {storage}",
        f"  address   {address}/api  (documentation: {address}/api/docs)",
    ]


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

"""Builders for seed sources: the sample catalogue, with files replaced where a test wants it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from registry.sources import SEED_FILES, SeedSource, read_directory
from support.reference_data import REPOSITORY

SAMPLE = REPOSITORY / "services" / "standalone" / "sample"


async def a_source(**replaced: bytes) -> SeedSource:
    """Return the sample catalogue; `clip=b"..."` replaces the file of a category."""
    source = await read_directory(SAMPLE)
    categories = {name: dict(files) for name, files in source.categories.items()}
    for name, body in replaced.items():
        categories[name] = {SEED_FILES[name][1][0]: body}
    return replace(source, categories=categories)


def seed_file(source: SeedSource, category: str) -> bytes:
    """Return the first file of a category."""
    return next(iter(source.categories[category].values()))


def a_legacy_file(records: Mapping[str, Any]) -> bytes:
    return (json.dumps(records, indent=4) + "\n").encode()


def a_clip_record(name: str = "Sample-B/32", **changed: object) -> dict[str, object]:
    config = {
        "files": [{"path": "sample.pt", "sha256sum": "a" * 64}],
        "download": [{"file_name": "sample.pt", "file_path": "", "file_url": "https://models.example.org/s"}],
    }
    return {"name": name, "type": "clip", "config": config, **changed}

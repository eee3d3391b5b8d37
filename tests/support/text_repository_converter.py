"""The text repository's converter, written from its description (sync.md section 6.2) and sharing no code."""

import csv
import io
import json
from typing import Any

SETTINGS = {
    *("n", "frmtadsnsp", "frmtrmblln", "frmtrmspch", "frmttriminc", "max_context_length", "max_length"),
    *("rep_pen", "rep_pen_range", "rep_pen_slope", "singleline", "temperature", "tfs", "top_a", "top_k"),
    *("top_p", "typical", "sampler_order", "use_default_badwordsids", "stop_sequence", "min_p"),
    *("smoothing_factor", "dynatemp_range", "dynatemp_exponent"),
}
DEFAULTS = {
    "baseline": "",
    "parameters": None,
    "description": "",
    "version": "1",
    "style": "generalist",
    "nsfw": False,
}


def converted_by_the_repository(models_csv: bytes) -> bytes:
    """The bytes of db.json that the repository's check compares with."""
    entries: dict[str, Any] = {}
    for row in csv.DictReader(io.StringIO(models_csv.decode(), newline=""), strict=True):
        assert None not in row
        assert None not in row.values()
        members = _members(row)
        name = row["name"]
        model_name = name.split("/")[1] if "/" in name else name
        if not members["display_name"]:
            spaced = model_name.replace("-", " ").replace("_", " ")
            while "  " in spaced:
                spaced = spaced.replace("  ", " ")
            members["display_name"] = spaced.strip()
        given = {key: value for key, value in members.items() if value}
        for key in (name, f"aphrodite/{name}", f"koboldcpp/{model_name}"):
            entries[key] = {"name": key, "model_name": model_name, **DEFAULTS, **given}
    return (json.dumps(entries, indent=4) + "\n").encode("ascii")


def _members(row: dict[str, str]) -> dict[str, Any]:
    billions = float(row["parameters_bn"])
    tags = {tag.strip() for tag in row["tags"].split(",")} if row["tags"] else set()
    if row["style"]:
        tags.add(row["style"])
    tags.add(f"{round(billions):d}B")
    settings = json.loads(row["settings"]) if row["settings"] else {}
    assert isinstance(settings, dict)
    assert set(settings) <= SETTINGS
    return {
        "baseline": row["baseline"],
        "parameters": int(billions * 1_000_000_000),
        "description": row["description"],
        "style": row["style"],
        "display_name": row["display_name"],
        "url": row["url"],
        "tags": sorted(tags),
        "instruct_format": row["instruct_format"],
        "settings": settings,
    }

"""Catalogues to measure with: the real one where it is there, and made-up ones of any size."""

import csv
import hashlib
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from support.reference_data import SHARED

TEXT_MODELS = 720  # about as many as the real catalogue has
IMAGE_MODELS = 161
COLUMNS = (
    "name", "parameters_bn", "display_name", "url", "baseline", "description", "style", "tags",
    "instruct_format", "settings",
)  # fmt: skip
FAMILIES = ("Quokka", "Numbat", "Bilby", "Wombat", "Potoroo", "Bettong", "Kowari", "Dunnart")
SIZES = (1, 3, 7, 8, 12, 13, 24, 32, 70, 123)
VARIANTS = ("Instruct", "Chat", "Base", "Thinking", "Code")
TEXT_STYLES = ("generalist", "chat", "adventure", "novel", "roleplay")
IMAGE_STYLES = ("generalist", "anime", "realistic")
WORDS = tuple(
    "made up for measuring a model reads long stories and answers them with care every day".split()  # noqa: SIM905
)


def seed_directory() -> tuple[Path, str]:
    """Return a directory with the legacy files, and what it is."""
    real = SHARED / "data"
    if real.is_dir():
        return real, "the real catalogue"
    return Path(str(files("standalone") / "sample")), "THE SMALL SAMPLE CATALOGUE (the real one is not here)"


def write_synthetic(root: Path, factor: int) -> Path:
    """Write legacy files with `factor` times the models of the real catalogue; return their folder."""
    sample = Path(str(files("standalone") / "sample" / "image"))
    image, text = root / "image", root / "text"
    image.mkdir(parents=True)
    text.mkdir()
    for path in sample.glob("*.json"):
        (image / path.name).write_bytes(path.read_bytes())
    records = {f"made_up_{n}": _image_record(n) for n in range(IMAGE_MODELS * factor)}
    (image / "stable_diffusion.json").write_text(json.dumps(records, indent=4) + "\n")
    with (text / "models.csv").open("w", newline="") as target:
        writer = csv.writer(target, lineterminator="\r\n")
        writer.writerow(COLUMNS)
        writer.writerows(_text_row(n) for n in range(TEXT_MODELS * factor))
    return root


def _text_row(n: int) -> tuple[str, ...]:
    family, size, variant = FAMILIES[n % 8], SIZES[n // 8 % 10], VARIANTS[n // 80 % 5]
    name = f"made-up-{n % 97}/{family}-{n // 400}-{size}B-{variant}"
    tags = ",".join(sorted({WORDS[n % 15], WORDS[n // 7 % 15]}))
    settings = json.dumps({"temperature": 0.7, "top_p": 0.9}) if n % 3 == 0 else ""
    return (
        name, str(size), f"{family} {size}B", f"https://models.example.org/{n}", family, _prose(n, 12),
        TEXT_STYLES[n % 5], tags, "ChatML", settings,
    )  # fmt: skip


def _image_record(n: int) -> dict[str, Any]:
    file_name = f"made_up_{n}.safetensors"
    return {
        "name": f"made_up_{n}",
        "baseline": ("stable diffusion 1", "stable_diffusion_xl")[n % 2],
        "type": "ckpt",
        "inpainting": n % 11 == 0,
        "description": _prose(n, 25),
        "tags": [WORDS[n % 15], WORDS[n // 5 % 15]],
        "showcases": [f"https://models.example.org/showcase/{n}/{k}.webp" for k in range(3)],
        "version": "1.0",
        "style": IMAGE_STYLES[n % 3],
        "nsfw": n % 4 == 0,
        "download_all": False,
        "config": {
            "files": [{"path": file_name, "sha256sum": hashlib.sha256(str(n).encode()).hexdigest()}],
            "download": [
                {
                    "file_name": file_name,
                    "file_path": "",
                    "file_url": f"https://models.example.org/{file_name}",
                }
            ],
        },
        "available": False,
        "size_on_disk_bytes": 2_000_000_000 + n,
    }


def _prose(n: int, words: int) -> str:
    return " ".join(WORDS[(n * 31 + k * k) % len(WORDS)] for k in range(words)).capitalize() + "."

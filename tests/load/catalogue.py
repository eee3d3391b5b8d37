"""What the stack is filled with."""

from pathlib import Path

from bench.catalogues import write_synthetic
from support.reference_data import SHARED


def seed_directory(folder: Path) -> Path:
    """Return the real catalogue where it is, else one of made-up models that is as large, below a folder."""
    real = SHARED / "data"
    return real if real.is_dir() else write_synthetic(folder / "seed", 1)

import json
import subprocess
import sys
from pathlib import Path

from support.processes import clean_environment

COMMAND = (
    "import sys\nfrom horde_model_reference.cli.migrate_layout import main\nsys.exit(main(sys.argv[1:]))"
)


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command with what lies on the disk for its reference."""
    environment = {"AIWORKER_CACHE_HOME": str(home), "HORDE_MODEL_REFERENCE_OFFLINE": "1"}
    return subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments],
        env=clean_environment(environment),
        capture_output=True,
        text=True,
        check=False,
    )


def a_home(folder: Path) -> Path:
    """Make a folder with a reference and, deeper in it, weights with one part in the wrong place."""
    file = {"file_name": "v.safetensors", "file_url": "u", "file_purpose": "vae"}
    record = {"name": "split", "baseline": "qwen_image", "nsfw": False, "config": {"download": [file]}}
    reference = folder / "horde_model_reference" / "stable_diffusion.json"
    reference.parent.mkdir(parents=True)
    reference.write_text(json.dumps({"split": record}))
    weights = folder / "nataili"
    for name in ("compvis", "clip"):
        (weights / name).mkdir(parents=True)
    (weights / "compvis" / "v.safetensors").write_text("x")
    return weights


def test_parts_are_listed_and_then_moved(tmp_path: Path) -> None:
    weights = a_home(tmp_path)
    listed = run(tmp_path)
    assert listed.returncode == 0
    assert listed.stdout.splitlines()[0] == f"weights: {weights}"
    assert listed.stdout.endswith("1 of 1 files would be moved; --apply moves them\n")
    assert not (weights / "vae").exists()
    moved = run(tmp_path / "elsewhere", "--cache-home", str(tmp_path), "--apply")
    assert moved.returncode == 1  # that is where no reference lies
    moved = run(tmp_path, "--apply")
    assert (moved.returncode, moved.stdout.splitlines()[-1]) == (0, "1 of 1 files moved")
    assert (weights / "vae" / "v.safetensors").read_text() == "x"


def test_without_a_reference_nothing_is_done(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 1
    assert "cannot be had" in done.stdout

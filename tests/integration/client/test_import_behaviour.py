"""Importing the library is light and harmless (python-client.md section 1)."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

PREFIX = "HORDE_MODEL_REFERENCE_"
FOREIGN = (
    "aiohttp",
    "aiofiles",
    "botocore",
    "cryptography",
    "httpx",
    "redis",
    "requests",
    "pydantic_settings",
)
PLAIN_MODEL = """
from pydantic import AfterValidator, BaseModel
class Plain(BaseModel):
    number: int = 1
Plain()
"""
LOADED = "\nimport json, logging, sys; print(json.dumps(sorted(sys.modules)))"

ALL_NAMES = """
import horde_model_reference
for name in dir(horde_model_reference):
    getattr(horde_model_reference, name)
"""

WATCHED = """
import sys
seen = []
def watch(event, arguments):
    if event == "open" and (arguments[2] & 3 or set(str(arguments[1])) & set("wax+")):
        seen.append((event, str(arguments[0])))
    elif event.startswith(("socket.", "os.mkdir", "os.rename", "os.remove", "subprocess.", "os.posix_spawn")):
        seen.append((event, repr(arguments)))
sys.addaudithook(watch)
import horde_model_reference
from horde_model_reference import *
horde_model_reference.ModelReferenceManager, horde_model_reference.download_engine
assert seen == [], seen
"""


def run_python(
    code: str, cwd: Path, *, options: Sequence[str] = (), **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter in which nothing of ours is set but the variables, without prefix."""
    environment = {name: value for name, value in os.environ.items() if not name.upper().startswith(PREFIX)}
    for name in ("AIWORKER_CACHE_HOME", "HAIDRA_USE_DEFAULT_ENV_FILES", "PYTHONPATH"):
        environment.pop(name, None)
    environment |= {
        "PYTHONDONTWRITEBYTECODE": "1",
        **{PREFIX + name: value for name, value in variables.items()},
    }
    return subprocess.run(
        [sys.executable, *options, "-c", code],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def modules_after(code: str, cwd: Path) -> set[str]:
    ended = run_python(code + LOADED, cwd)
    assert ended.returncode == 0, ended.stderr
    return set(json.loads(ended.stdout))


def test_import_brings_the_settings_and_little_beside_pydantic(tmp_path: Path) -> None:
    known = modules_after(f"import concurrent.futures.thread; {PLAIN_MODEL}", tmp_path)
    more = modules_after("import horde_model_reference", tmp_path) - known

    assert [name for name in more if not name.startswith("horde_model_reference")] == []
    assert sorted(name.removeprefix("horde_model_reference.") for name in more) == [
        "ecosystem_settings",
        "environment_settings",
        "github_sources",
        "horde_model_reference",
        "late_names",
        "meta_consts",
        "model_consts",
        "model_consts.image",
        "model_consts.text",
        "no_fork",
        "path_consts",
        "registries",
        "settings",
        "settings_blocks",
    ]


def test_no_name_of_the_package_brings_an_http_stack(tmp_path: Path) -> None:
    loaded = modules_after(ALL_NAMES, tmp_path)

    assert "horde_model_reference.model_reference_manager" in loaded
    assert loaded.isdisjoint(FOREIGN)
    assert [name for name in loaded if name.startswith("horde_model_reference.replica")] == []


def test_import_says_nothing_touches_nothing_and_warns_of_nothing(tmp_path: Path) -> None:
    ended = run_python(WATCHED, tmp_path, options=["-W", "error"])

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_what_the_library_logs_is_shown_only_to_who_asks(tmp_path: Path) -> None:
    code = (
        "import logging, horde_model_reference; logging.getLogger('horde_model_reference.x').error('hidden')"
    )

    assert run_python(code, tmp_path).stderr == ""
    assert "hidden" in run_python(f"import logging; logging.basicConfig(); {code}", tmp_path).stderr


@pytest.mark.parametrize(
    ("name", "value", "place"),
    [
        ("CACHE_TTL_SECONDS", "", "cache_ttl_seconds"),
        ("REPLICATE_MODE", "both", "replicate_mode"),
        ("REDIS__POOL_SIZE", "many", "redis.pool_size"),
    ],
)
def test_value_that_cannot_be_used_fails_the_import(
    name: str, value: str, place: str, tmp_path: Path
) -> None:
    ended = run_python("import horde_model_reference", tmp_path, **{name: value})

    assert ended.returncode == 1
    assert "ValidationError: 1 validation error for HordeModelReferenceSettings" in ended.stderr
    assert place in ended.stderr.splitlines()


def test_folders_are_made_at_the_import_where_that_is_wanted(tmp_path: Path) -> None:
    ended = run_python("import horde_model_reference", tmp_path, MAKE_FOLDERS="true")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert (tmp_path / "models" / "horde_model_reference" / "legacy").is_dir()


def test_who_is_offline_makes_no_folders(tmp_path: Path) -> None:
    run_python("import horde_model_reference", tmp_path, MAKE_FOLDERS="true", OFFLINE="true")

    assert list(tmp_path.iterdir()) == []


def test_folders_that_cannot_be_made_do_not_fail_the_import(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file is in the way")

    ended = run_python(
        "import logging; logging.basicConfig(); import horde_model_reference", tmp_path, MAKE_FOLDERS="true"
    )

    assert ended.returncode == 0
    assert "cannot be made" in ended.stderr

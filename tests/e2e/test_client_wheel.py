"""The library as its users get it: the wheel, what it needs, and nothing else."""

import asyncio
import json
import subprocess
from pathlib import Path

import pytest

from horde_model_reference import __all__ as root_names
from support.library_environments import LIBRARY, build_wheel, closed_environment, installed_in
from support.processes import clean_environment, service
from support.sources import SAMPLE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

SERVICE_PACKAGES = ("read_api", "write_queue", "standalone", "registry", "service_kit")
EXTRAS = ("redis", "cryptography")
MOST_BYTES_OF_WHEEL = 500_000
MOST_BYTES_INSTALLED = 24_000_000
"""What the older library takes with everything that it needs (python-client.md section 15)."""

MOST_DEPENDENCIES = 16
"""The older library has 23."""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of an environment with the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    wheel = build_wheel(folder / "built")
    assert wheel.stat().st_size < MOST_BYTES_OF_WHEEL
    return closed_environment(folder / "environment", wheel)


def run(
    *words: str | Path, settings: dict[str, str] | None = None, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    environment = clean_environment({})
    for name in ("PYTHONPATH", "VIRTUAL_ENV", "AIWORKER_CACHE_HOME", "COV_CORE_SOURCE"):
        environment.pop(name, None)
    environment |= settings or {}
    return subprocess.run(
        list(map(str, words)),
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def run_code(python: Path, code: str, **settings: str) -> str:
    """Run a program whose warnings are errors; it must be silent on standard error."""
    done = run(python, "-W", "error", "-c", code, settings=settings, folder=python.parent)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_what_is_installed_is_little(python: Path) -> None:
    installed = installed_in(python)
    assert LIBRARY in installed
    assert len(installed) - 1 <= MOST_DEPENDENCIES
    (site,) = python.parent.parent.glob("lib/python*/site-packages")
    files = [path for path in site.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    sizes = [
        path.stat().st_size
        for path in files
        if not path.relative_to(site).parts[0].startswith(("pip", "setuptools"))
    ]
    assert sum(sizes) < MOST_BYTES_INSTALLED


def test_every_name_of_the_root_is_there_without_the_services(python: Path) -> None:
    code = f"""
import importlib.util, horde_model_reference as library
missing = [name for name in {sorted(root_names)!r} if not hasattr(library, name)]
found = [name for name in {SERVICE_PACKAGES + EXTRAS!r} if importlib.util.find_spec(name)]
print(missing, found)
"""
    assert run_code(python, code).strip() == "[] []"


def test_every_module_but_those_of_the_extra_can_be_imported(python: Path) -> None:
    code = """
import importlib, pkgutil, horde_model_reference as library
failed = []
for module in pkgutil.walk_packages(library.__path__, "horde_model_reference."):
    try:
        importlib.import_module(module.name)
    except ImportError as error:
        failed.append(f"{module.name}: {error.name}")
print(failed)
"""
    modules = ("redis_listener", "redis_store")
    expected = [f"horde_model_reference.backends.{name}: redis" for name in modules]
    assert run_code(python, code).strip() == str(expected)


def test_type_checkers_find_the_marker(python: Path) -> None:
    (package,) = python.parent.parent.glob("lib/python*/site-packages/horde_model_reference")
    assert (package / "py.typed").is_file()


async def test_programs_read_from_a_primary_and_offline_ones_from_the_disk(
    python: Path, tmp_path: Path
) -> None:
    code = """
import json
from horde_model_reference import MODEL_REFERENCE_CATEGORY, ModelReferenceManager
manager = ModelReferenceManager(prefetch_strategy="sync")
clip = manager.get_model_reference(MODEL_REFERENCE_CATEGORY.clip)
filled = sorted(name for name, records in manager.get_all_model_references().items() if records)
print(json.dumps([sorted(clip), filled]))
"""
    cache = {"AIWORKER_CACHE_HOME": str(tmp_path / "cache")}
    async with service("serve", {"DATA_DIR": str(tmp_path / "data"), "SEED_DIR": str(SAMPLE)}) as process:
        await process.wait_until("/ready", 200)
        url = {"HORDE_MODEL_REFERENCE_PRIMARY_API_URL": process.base_url}
        online = await asyncio.to_thread(run_code, python, code, **cache, **url)
    offline = await asyncio.to_thread(run_code, python, code, **cache, HORDE_MODEL_REFERENCE_OFFLINE="1")
    clip, filled = json.loads(online)
    assert clip
    assert "image_generation" in filled
    assert json.loads(offline) == [clip, filled]


async def test_the_console_scripts_run(python: Path, tmp_path: Path) -> None:
    scripts = python.parent
    path = SAMPLE / "image" / "stable_diffusion.json"
    done = await asyncio.to_thread(run, scripts / "validate-sd-models", path)
    assert done.returncode == 0, done.stderr
    done = await asyncio.to_thread(run, scripts / "validate-sd-models", tmp_path / "none.json")
    assert done.returncode == 1
    cache = {"AIWORKER_CACHE_HOME": str(tmp_path / "cache")}
    async with service("serve", {"DATA_DIR": str(tmp_path / "data"), "SEED_DIR": str(SAMPLE)}) as process:
        await process.wait_until("/ready", 200)
        url = {"HORDE_MODEL_REFERENCE_PRIMARY_API_URL": process.base_url}
        words = (scripts / "migrate-model-layout", "--cache-home", tmp_path)
        done = await asyncio.to_thread(run, *words, settings={**cache, **url})
    assert (done.returncode, done.stderr) == (0, "")


REDIS = """
from horde_model_reference import RedisSettings
from horde_model_reference.backends import FileSystemBackend, RedisBackend
try:
    RedisBackend(file_backend=FileSystemBackend(base_path="x"), redis_settings=RedisSettings())
except ImportError as error:
    print(error)
"""

SIGNATURES = """
import base64, hashlib
from horde_model_reference.replica.signature_check import verify
key = bytes(32)
signature = f'"key_id":"{hashlib.sha256(key).hexdigest()[:16]}","value":"{"A" * 86}=="'
try:
    verify(('{"sequence":1,"signature":{' + signature + "}}").encode(), base64.b64encode(key).decode())
except RuntimeError as error:
    print(error)
"""


@pytest.mark.parametrize(("extra", "code"), [("redis", REDIS), ("signatures", SIGNATURES)])
def test_what_needs_an_extra_names_it(python: Path, tmp_path: Path, extra: str, code: str) -> None:
    said = run_code(python, code, AIWORKER_CACHE_HOME=str(tmp_path))
    assert f"horde-model-reference[{extra}]" in said.replace("_", "-")
    assert len(said.splitlines()) == 1

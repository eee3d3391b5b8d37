import subprocess
import sys

HEAVY = {"aiohttp", "aiobotocore", "redis", "orjson", "prometheus_client", "service_kit", "registry", "httpx"}


def modules_after(statement: str) -> set[str]:
    code = f"import sys\nbefore = set(sys.modules)\n{statement}\nprint(*(set(sys.modules) - before))"
    found = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:] = {sys.path!r}\n{code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stderr == ""
    return {name.split(".")[0] for name in found.stdout.split()}


def test_a_registered_baseline_is_valid_in_records_at_once() -> None:
    assert "pydantic" in modules_after(
        "from horde_model_reference.meta_consts import BaselineDescriptor, register_image_baseline\n"
        "from horde_model_reference.v2_format import validate_record\n"
        "register_image_baseline('new', BaselineDescriptor(64, ('other',)))\n"
        "given = {'name': 'x', 'baseline': 'other', 'nsfw': True}\n"
        "record = validate_record('image_generation', 'x', given)\n"
        "assert record['baseline'] == 'new'\n"
    )


def test_importing_the_records_imports_no_service_library() -> None:
    assert not modules_after("import horde_model_reference.change_renderer") & HEAVY

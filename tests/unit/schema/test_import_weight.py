import subprocess
import sys

HEAVY = {"pydantic", "aiohttp", "aiobotocore", "redis", "orjson", "logging", "json"}


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


def test_importing_the_package_imports_nothing_else() -> None:
    assert modules_after("import horde_model_reference") == {"horde_model_reference"}


def test_importing_the_records_imports_no_service_library() -> None:
    found = modules_after("import horde_model_reference.change_renderer")
    assert not found & {
        "aiohttp",
        "aiobotocore",
        "redis",
        "orjson",
        "prometheus_client",
        "service_kit",
        "registry",
    }

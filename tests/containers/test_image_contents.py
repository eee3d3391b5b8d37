"""What is in the images, and what is said about them."""

import json

import pytest

from standalone.cli import COMMANDS
from support.docker_images import GATEWAY_IMAGE, SERVICES_IMAGE, Docker

MAX_MEGABYTES = {SERVICES_IMAGE: 270, GATEWAY_IMAGE: 280}
"""Of which 100 are ours, and the rest Debian and Python."""

LOOK_AROUND = """
import importlib.util, json, os, shutil, stat
tools = ["pip", "pip3", "gcc", "cc", "c++", "make", "curl", "wget", "git"]
modules = ["pip", "ensurepip", "setuptools", "hatchling"]
print(json.dumps({
    "uid": os.getuid(),
    "gid": os.getgid(),
    "tools": [tool for tool in tools if shutil.which(tool)],
    "modules": [name for name in modules if importlib.util.find_spec(name)],
    "privileged": [
        os.path.join(folder, name)
        for top in ("/usr", "/opt", "/etc")
        for folder, _, names in os.walk(top)
        for name in names
        if stat.S_ISREG((mode := os.lstat(os.path.join(folder, name)).st_mode)) and mode & 0o6000
    ],
    "writable": [folder for folder, _, _ in os.walk("/opt") if os.access(folder, os.W_OK)],
}))
"""

MAKE_CLIENTS = """
import asyncio
from aiobotocore.session import get_session
async def main():
    for service in ("s3", "sts", "sso", "sso-oidc", "signin"):
        keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
        async with get_session().create_client(service, region_name="eu-central-1", **keys) as client:
            print(client.meta.service_model.service_id)
asyncio.run(main())
"""

LOAD_COMMANDS = """
import importlib
from standalone.cli import COMMANDS
for command, (module, _) in sorted(COMMANDS.items()):
    assert importlib.import_module(f"standalone.commands.{module}").run
    print(command)
"""


def python(docker: Docker, program: str, image: str = SERVICES_IMAGE) -> str:
    return docker.call("run", "--rm", "--read-only", "--entrypoint", "python", image, "-c", program)


@pytest.fixture(params=["services", "gateway"])
def image(request: pytest.FixtureRequest, services_image: str) -> str:
    name: str = services_image if request.param == "services" else request.getfixturevalue("gateway_image")
    return name


def test_image_runs_as_a_fixed_user_and_holds_no_tool_to_change_it(docker: Docker, image: str) -> None:
    assert json.loads(python(docker, LOOK_AROUND, image)) == {
        "uid": 10001,
        "gid": 10001,
        "tools": [],
        "modules": [],
        "privileged": [],
        "writable": [],
    }


def test_image_is_small(docker: Docker, image: str) -> None:
    assert docker.inspect(image)["Size"] / 1e6 < MAX_MEGABYTES[image]


def test_image_says_what_it_is_and_starts_without_a_shell(docker: Docker, image: str) -> None:
    config = docker.inspect(image)["Config"]
    assert config["User"] == "10001:10001"
    assert config["StopSignal"] == "SIGTERM"
    assert config["Entrypoint"] == ["horde-reference"]
    assert config["Cmd"] == (["serve"] if image == SERVICES_IMAGE else ["gateway"])
    assert config["Healthcheck"]["Test"][:3] == ["CMD", "horde-reference", "health"]
    labels = config["Labels"]
    assert labels["org.opencontainers.image.version"] == "1.2.3"
    assert labels["org.opencontainers.image.revision"] == "abc"
    assert labels["org.opencontainers.image.licenses"] == "AGPL-3.0-or-later"
    assert labels["org.opencontainers.image.title"]
    assert labels["org.opencontainers.image.created"]


def test_image_has_layers_of_its_own_only(docker: Docker, image: str) -> None:
    assert len(docker.inspect(image)["RootFS"]["Layers"]) == 2


def test_what_was_left_out_of_botocore_is_not_needed_for_s3(docker: Docker) -> None:
    assert python(docker, MAKE_CLIENTS).split() == ["S3", "STS", "SSO", "SSO", "OIDC", "Signin"]


def test_commands_are_complete(docker: Docker) -> None:
    assert python(docker, LOAD_COMMANDS).split() == sorted(COMMANDS)
    assert "horde-reference serve" in docker.once("serve", "--help").stdout

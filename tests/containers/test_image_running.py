"""The service in a container as it is meant to run: read-only, without rights; stopped, killed, restarted."""

import json
import signal
import threading
import time
from pathlib import Path

import pytest

from support.docker_images import Container, Docker

CATALOGUE = "/api/model_references/v2/clip"
OWNED = "uid=10001,gid=10001"


def status_of(container: Container) -> dict[str, object]:
    status, body = container.get("/api/status")
    assert status == 200
    return dict(json.loads(body))


@pytest.fixture(params=["tmpfs", "volume"])
def data(request: pytest.FixtureRequest, docker: Docker) -> tuple[str, ...]:
    if request.param == "tmpfs":
        return ("--tmpfs", f"/data:{OWNED}")
    return ("--volume", f"{docker.volume()}:/data")


def test_hardened_container_becomes_healthy_and_serves(docker: Docker, data: tuple[str, ...]) -> None:
    container = docker.run(options=data)
    container.wait_until_healthy()
    container.wait_until_ready()
    assert container.get(CATALOGUE)[0] == 200
    assert container.get("/api/docs/swagger-ui-bundle.js")[0] == 200


def test_health_check_tells_when_nobody_answers(docker: Docker) -> None:
    container = docker.run(options=("--tmpfs", f"/data:{OWNED}"))
    container.wait_until_healthy()
    words = ("exec", "-e", "HORDE_MODEL_REFERENCE_PORT=19809", container.name, "horde-reference", "health")
    done = docker.attempt(*words)
    assert done.returncode == 1
    assert done.stdout.startswith("not healthy: ")


def test_sigterm_lets_a_request_be_answered_and_ends_in_order(docker: Docker) -> None:
    container = docker.run(options=("--tmpfs", f"/data:{OWNED}"), MIN_REVISION_WAIT_SECONDS="3")
    container.wait_until_ready()
    connection = container.connect()
    connection.request("GET", CATALOGUE, headers={"X-Min-Revision": "1000"})
    time.sleep(0.5)  # it waits there for a revision that never comes
    stopping = threading.Thread(target=docker.call, args=("stop", "--time", "30", container.name))
    stopping.start()
    answer = connection.getresponse()
    answer.read()
    connection.close()
    stopping.join()
    assert answer.status in {200, 412, 503}
    assert container.state["ExitCode"] == 0


def test_sigterm_during_the_start_ends_it_at_once(docker: Docker) -> None:
    container = docker.run(options=("--tmpfs", f"/data:{OWNED}"))
    container.wait_until_it_hears(signal.SIGTERM)
    docker.call("stop", "--time", "60", container.name)
    assert container.state["ExitCode"] == 0


def test_killed_container_has_its_data_when_it_starts_again(docker: Docker) -> None:
    container = docker.run(options=("--volume", f"{docker.volume()}:/data"))
    container.wait_until_ready()
    before = status_of(container)["revision"], container.get(CATALOGUE)[1]
    docker.call("kill", container.name)
    assert container.state["ExitCode"] == 137
    docker.call("start", container.name)
    container.wait_until_ready()
    assert (status_of(container)["revision"], container.get(CATALOGUE)[1]) == before
    assert docker.attempt("exec", container.name, "horde-reference", "verify").returncode == 0


@pytest.mark.long
def test_volume_serves_a_container_of_another_name(docker: Docker) -> None:
    options = ("--volume", f"{docker.volume()}:/data")
    first = docker.run(options=options)
    first.wait_until_ready()
    served = first.get(CATALOGUE)[1]
    docker.call("rm", "--force", first.name)
    second = docker.run(options=options, GITHUB_SEED_ENABLED="true", GITHUB_API_URL="http://127.0.0.1:1")
    second.wait_until_ready()
    assert second.get(CATALOGUE)[1] == served


def test_settings_come_from_files(docker: Docker, tmp_path: Path) -> None:
    secret = tmp_path / "port"
    secret.write_text("19801\n")
    secret.chmod(0o444)
    tmp_path.chmod(0o755)
    container = docker.run(
        options=("--tmpfs", f"/data:{OWNED}", "--volume", f"{secret}:/run/secrets/port:ro"),
        PORT_FILE="/run/secrets/port",
    )
    container.wait_until_healthy()
    assert "19801" in container.logs


def test_setting_whose_file_is_missing_is_told_in_a_line(docker: Docker) -> None:
    done = docker.once("serve", options=("-e", "HORDE_MODEL_REFERENCE_AMQP__URL_FILE=/run/secrets/amqp"))
    assert done.returncode == 1
    assert done.stderr == (
        "horde-reference serve: HORDE_MODEL_REFERENCE_AMQP__URL_FILE:"
        " /run/secrets/amqp cannot be read: no such file or directory\n"
    )


def test_hardened_gateway_becomes_healthy_and_ends_in_order(docker: Docker, gateway_image: str) -> None:
    nobody = {f"GATEWAY_{name}": "127.0.0.1:1" for name in ("READ_API", "WRITE_QUEUE", "STATS")}
    container = docker.run(image=gateway_image, **nobody)
    container.wait_until_healthy()
    docker.call("stop", "--time", "60", container.name)
    assert container.state["ExitCode"] == 0

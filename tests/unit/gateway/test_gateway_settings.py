"""What the gateway accepts as settings, and what its configuration says then."""

from pathlib import Path

import pytest

from gateway.configuration import Machine, Service, Stage, back_values, front_values, render
from gateway.held_ports import wanted_addresses
from gateway.settings import GATEWAY_PREFIX, GatewaySettings
from service_kit.settings import ENV_PREFIX, SettingsInvalid, load_settings

OLD = Machine((1, 22, 1), 1000, ["0.0.0.0", "::"])
NEW = Machine((1, 26, 3), 1000, ["0.0.0.0", "::"])
TLS = {"TLS_CERTIFICATE": "/c.pem", "TLS_KEY": "/k.pem"}


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(f"{ENV_PREFIX}HOST", raising=False)


def loaded(monkeypatch: pytest.MonkeyPatch, **variables: str) -> GatewaySettings:
    for name, value in variables.items():
        monkeypatch.setenv(f"{GATEWAY_PREFIX}{name}", value)
    return load_settings(GatewaySettings)


def front(settings: GatewaySettings, machine: Machine = NEW) -> str:
    return code_of(render(Stage.FRONT, front_values(settings, machine), 7))


def code_of(text: str) -> str:
    """Return the configuration without its comments."""
    return "\n".join(line.partition("#")[0].rstrip() for line in text.splitlines())


def test_lists_are_words_or_json(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = loaded(monkeypatch, READ_API="a:1, b:2", STATS='["c:3"]')
    assert (settings.read_api, settings.stats, settings.write_queue) == (("a:1", "b:2"), ("c:3",), ())


def test_supervisor_listens_where_the_services_do_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert loaded(monkeypatch).admin_host == "127.0.0.1"
    monkeypatch.setenv(f"{ENV_PREFIX}HOST", "0.0.0.0")
    assert loaded(monkeypatch).admin_host == "0.0.0.0"
    assert loaded(monkeypatch, ADMIN_HOST="10.0.0.1").admin_host == "10.0.0.1"


def test_ports_are_its_own_unless_it_is_told_who_holds_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert loaded(monkeypatch).port_socket is None
    assert loaded(monkeypatch, PORT_SOCKET="/run/a").port_socket == Path("/run/a")
    assert loaded(monkeypatch, PORT_SOCKET="").port_socket is None


def test_held_ports_are_those_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = loaded(monkeypatch, LISTEN="0.0.0.0,::", PORT="81")
    assert wanted_addresses(plain) == [("0.0.0.0", 81), ("::", 81)]
    with_tls = loaded(monkeypatch, LISTEN="::1", TLS_PORT="443", **TLS)
    assert wanted_addresses(with_tls) == [("::1", 81), ("::1", 443)]


def test_setting_may_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "reads").write_text("a:1\n")
    assert loaded(monkeypatch, READ_API_FILE=str(tmp_path / "reads")).read_api == ("a:1",)


@pytest.mark.parametrize(
    ("variables", "name", "reason"),
    [
        ({"READ_API": "read-api"}, "READ_API", "not HOST:PORT"),
        ({"STATS": "a:1; include /etc/passwd"}, "STATS", "not HOST:PORT"),
        ({"LISTEN": "localhost"}, "LISTEN", "does not appear to be"),
        ({"PORT": "70000"}, "PORT", "less than"),
        ({"REAL_IP_FROM": "10.0.0.1/8"}, "REAL_IP_FROM", "host bits"),
        ({"REAL_IP_HEADER": "a; b"}, "REAL_IP_HEADER", "pattern"),
        ({"STATE_DIR": "/tmp/with blank"}, "STATE_DIR", "character"),
        ({"STATE_DIR": "/tmp/${HOME}"}, "STATE_DIR", "character"),
        ({"STATE_DIR": f"/tmp/{'x' * 100}"}, "STATE_DIR", "too long"),
        ({"TLS_CERTIFICATE": "/c.pem"}, "*", "belong together"),
        ({"REDIRECT_TO": "https://a.example"}, "*", "needs TLS"),
        ({"REDIRECT_TO": "https://a.example;x", **TLS}, "*", "must look like"),
        ({"TLS_CERTIFICATE": "/c.pem", "TLS_KEY": "/k;.pem"}, "TLS_KEY", "character"),
        ({"PORT": "8443", **TLS}, "*", "the same"),
    ],
)
def test_setting_that_cannot_be_used_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], name: str, reason: str
) -> None:
    with pytest.raises(SettingsInvalid, match=reason) as refused:
        loaded(monkeypatch, **variables)
    assert str(refused.value).startswith(f"{GATEWAY_PREFIX}{name}: ")


def test_every_placeholder_is_filled_and_variables_of_nginx_are_left() -> None:
    settings = GatewaySettings(read_api=("a:1",))
    back = render(Stage.BACK, back_values(settings, NEW, {Service.READ_API: ("10.0.0.2:5",)}), 7)
    for text in (front(settings), code_of(back)):
        assert "${" not in text
        assert "return 200 7;" in text
    assert "$request_uri" in front(settings)
    assert back.count("server 10.0.0.2:5 ") == 2
    assert back.count("server 127.0.0.1:1 down;") == 4


def test_front_door_knows_no_address_of_a_service() -> None:
    settings = GatewaySettings(read_api=("10.0.0.2:5",), write_queue=("10.0.0.2:6",), stats=("10.0.0.2:7",))
    assert "10.0.0.2" not in front(settings)


@pytest.mark.parametrize(("machine", "lines"), [(OLD, ["ssl http2 "]), (NEW, ["ssl ", "http2 on;"])])
def test_http2_is_asked_for_as_each_version_wants_it(machine: Machine, lines: list[str]) -> None:
    text = front(GatewaySettings(tls_certificate=Path("/c.pem"), tls_key=Path("/k.pem")), machine)
    assert [line for line in lines if f"8443 {line}" not in text and line not in text] == []
    assert ("http2 on;" in text) is (machine is NEW)
    assert "listen [::]:8443" in text
    assert "listen 0.0.0.0:8080" in text


def test_without_a_certificate_there_is_no_tls() -> None:
    assert "ssl" not in front(GatewaySettings())


def test_only_named_networks_are_believed() -> None:
    assert "set_real_ip_from" not in front(GatewaySettings())
    text = front(GatewaySettings(real_ip_from=("10.0.0.0/8", "fd00::/8"), real_ip_header="X-Client"))
    assert "set_real_ip_from 10.0.0.0/8;" in text
    assert "set_real_ip_from fd00::/8;" in text
    assert "real_ip_header X-Client;" in text

"""Makes the passwords that nobody gave, once, and writes for each container what it may know.

Runs as the one-shot container `secrets`, and again at every `docker compose up`, when it changes nothing.
Only the standard library. Every folder below `--out` is a volume that only those mount who may read it.
"""

import argparse
import base64
import contextlib
import hashlib
import json
import os
import secrets
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote

OUR_USER: Final = 10001  # of the image: containers of ours alone read what belongs to it
EVERY_USER: Final = None  # the servers' images have users of their own, under numbers that differ

SERVICES: Final = "services"
SYNC: Final = "sync"
GATEWAY: Final = "gateway"
RABBITMQ: Final = "rabbitmq"
REDIS: Final = "redis"
SEAWEEDFS: Final = "seaweedfs"
GRAFANA: Final = "grafana"
KEPT: Final = "kept"
FOLDERS: Final = (SERVICES, SYNC, GATEWAY, RABBITMQ, REDIS, SEAWEEDFS, GRAFANA)

MADE: Final = (
    "s3_access_key",
    "s3_secret_key",
    "redis_password",
    "rabbitmq_password",
    "rabbitmq_admin_password",
    "grafana_admin_password",
)
KEPT_AT_ROTATION: Final = frozenset({"grafana_admin_password"})
"""Grafana takes it at its first start only: another one in the file would open nothing."""

FOR_GITHUB: Final = "github_"
USER: Final = "horde"
PRIVATE: Final = 0o400
PUBLIC: Final = 0o444


class SecretUnusable(Exception):
    """A file of the operator cannot be used. The text names it, and never its content."""


@dataclass(frozen=True, slots=True)
class Written:
    """A file for a container: who may read it, and what stands in it."""

    folder: str
    name: str
    text: str = field(repr=False)
    user: int | None = OUR_USER


def own_secrets(folder: Path) -> dict[str, str]:
    """Return what the operator gave, by the name of its file. Raises `SecretUnusable`."""
    found = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name.startswith(".") or path.name == "README.md" or not path.is_file():
            continue
        try:
            text = path.read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
        except (OSError, UnicodeDecodeError) as error:
            raise SecretUnusable(f"secrets/{path.name} cannot be read: {type(error).__name__}") from error
        if not text:
            raise SecretUnusable(f"secrets/{path.name} is empty")
        if path.name in MADE and "\n" in text:
            raise SecretUnusable(f"secrets/{path.name} must be one line")
        found[path.name] = text
    return found


def made_secrets(kept: Path, *, anew: bool) -> dict[str, str]:
    """Return the passwords of this installation, made when there are none or when they are wanted `anew`."""
    values = {}
    for name in MADE:
        path = kept / name
        if (anew and name not in KEPT_AT_ROTATION) or not path.is_file():
            replace_file(path, secrets.token_urlsafe(32), PRIVATE, None)
        values[name] = path.read_text(encoding="utf-8")
    return values


def files_of(values: Mapping[str, str], bucket: str) -> list[Written]:
    """Return every file that the containers read."""
    redis_url = values.get("redis_url") or _url("redis", values["redis_password"], "redis:6379/0")
    amqp_url = values.get("amqp_url") or _url("amqp", values["rabbitmq_password"], "rabbitmq:5672/%2F")
    return [
        Written(SERVICES, "s3_access_key", values["s3_access_key"]),
        Written(SERVICES, "s3_secret_key", values["s3_secret_key"]),
        Written(SERVICES, "redis_url", redis_url),
        Written(SERVICES, "amqp_url", amqp_url),
        Written(SYNC, "amqp_url", amqp_url),
        Written(SYNC, "github_token", values.get("github_token", "")),  # an empty file says nothing
        Written(RABBITMQ, "definitions.json", rabbitmq_definitions(values), EVERY_USER),
        Written(REDIS, "users.acl", redis_users(values["redis_password"]), EVERY_USER),
        Written(SEAWEEDFS, "s3.json", s3_identities(values, bucket)),
        Written(GRAFANA, "admin_password", values["grafana_admin_password"], EVERY_USER),
        *(Written(folder_of(name), name, text) for name, text in values.items() if is_further(name)),
    ]


def _url(scheme: str, password: str, place: str) -> str:
    return f"{scheme}://{USER}:{quote(password, safe='')}@{place}"


def is_further(name: str) -> bool:
    """Whether a file of the operator is handed on as it is."""
    return name not in {*MADE, "github_token", "redis_url", "amqp_url"}


def folder_of(name: str) -> str:
    """Return whom a further file of the operator is for."""
    if name.startswith(FOR_GITHUB):
        return SYNC
    return GATEWAY if name.startswith("tls.") else SERVICES


def rabbitmq_definitions(values: Mapping[str, str]) -> str:
    """Return what RabbitMQ imports at every start: two users; passwords stand there as salted hashes."""
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    people: tuple[tuple[str, str, list[str]], ...] = (
        (USER, "rabbitmq_password", []),
        ("admin", "rabbitmq_admin_password", ["administrator"]),
    )
    definitions = {
        "users": [
            {
                "name": user,
                "password_hash": rabbitmq_hash(values[name]),
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": tags,
                "limits": {},
            }
            for user, name, tags in people
        ],
        "vhosts": [{"name": "/"}],
        "permissions": [{"user": user, "vhost": "/", **everything} for user, _, _ in people],
    }
    return json.dumps(definitions, indent=1)


def rabbitmq_hash(password: str) -> str:
    """Return the password as RabbitMQ keeps it; always the same, so that equal means unchanged."""
    salt = hashlib.sha256(f"salt of {password}".encode()).digest()[:4]
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def redis_users(password: str) -> str:
    """Return the users of Redis: who says no name may ask whether it lives, and nothing else."""
    digest = hashlib.sha256(password.encode()).hexdigest()
    return (
        "user default on nopass sanitize-payload resetkeys resetchannels -@all +ping\n"
        f"user {USER} on #{digest} ~* &* +@all -@admin -@dangerous\n"
    )


def s3_identities(values: Mapping[str, str], bucket: str) -> str:
    """Return the one user of the object store, who may use the bucket and neither make nor remove any."""
    credentials = {"accessKey": values["s3_access_key"], "secretKey": values["s3_secret_key"]}
    actions = [f"{action}:{bucket}" for action in ("Read", "Write", "List")]
    identity = {"name": USER, "credentials": [credentials], "actions": actions}
    return json.dumps({"identities": [identity]}, indent=1)


def replace_file(path: Path, text: str, mode: int, user: int | None) -> bool:
    """Give the file this content at once, or leave it alone where it has it; return whether it changed."""
    with contextlib.suppress(FileNotFoundError):
        if path.read_text(encoding="utf-8") == text:
            return False
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            os.fchmod(file.fileno(), mode)
            if user is not None:
                os.fchown(file.fileno(), user, user)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return True


def write_all(files: list[Written], out: Path, user: int | None) -> list[str]:
    """Write the files and remove what is no longer among them; return the names of those that changed."""
    changed = []
    for one in files:
        mode, owner = (PUBLIC, None) if one.user is EVERY_USER else (PRIVATE, user)
        if replace_file(out / one.folder / one.name, one.text, mode, owner):
            changed.append(f"{one.folder}/{one.name}")
    wanted = {(one.folder, one.name) for one in files}
    for folder in FOLDERS:
        for path in sorted((out / folder).iterdir()):
            if (folder, path.name) not in wanted:
                path.unlink()
                changed.append(f"{folder}/{path.name} removed")
    return changed


def parse_arguments(words: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--own", type=Path, required=True, help="folder with the files of the operator")
    parser.add_argument("--out", type=Path, required=True, help="folder with a folder for each container")
    parser.add_argument("--bucket", required=True, help="the bucket that the credentials are for")
    parser.add_argument(
        "--hand-over", type=Path, action="append", default=[], help="give a folder to the user of the image"
    )
    parser.add_argument("--rotate", action="store_true", help="make new passwords, but for Grafana's")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    """Return 0, or 1 with a line about what cannot be used."""
    arguments = parse_arguments(words)
    user = OUR_USER if os.geteuid() == 0 else None
    try:
        own = own_secrets(arguments.own)
    except SecretUnusable as error:
        sys.stderr.write(f"{error}\n")
        return 1
    values = made_secrets(arguments.out / KEPT, anew=arguments.rotate) | own
    changed = write_all(files_of(values, arguments.bucket), arguments.out, user)
    for folder in arguments.hand_over:
        os.chown(folder, OUR_USER, OUR_USER)
    done = ", ".join(changed) or "nothing changed"
    sys.stdout.write(f"secrets: {done}; given: {', '.join(own) or 'none'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

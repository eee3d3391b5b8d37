"""The program that makes the passwords of the containers, loaded from where it lies, and run on folders."""

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from support.reference_data import REPOSITORY

PROGRAM: Final = REPOSITORY / "deploy" / "compose" / "make_secrets.py"
BUCKET: Final = "some-bucket"


def load_program() -> ModuleType:
    """Return it as a module."""
    spec = importlib.util.spec_from_file_location("make_secrets", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True, slots=True)
class SecretMaker:
    """The program with the folders of one installation."""

    program: ModuleType
    root: Path

    @classmethod
    def at(cls, root: Path) -> "SecretMaker":
        """Return one whose volumes are empty."""
        program = load_program()
        for folder in (*program.FOLDERS, program.KEPT):
            (root / "out" / folder).mkdir(parents=True)
        (root / "own").mkdir()
        return cls(program, root)

    def run(self, *more: str) -> int:
        """Run it once."""
        words = (f"--own={self.root / 'own'}", f"--out={self.root / 'out'}", f"--bucket={BUCKET}")
        status: int = self.program.main([*words, *more])
        return status

    def give(self, name: str, text: str) -> None:
        """Let the operator have a file."""
        (self.root / "own" / name).write_text(text)

    def take_away(self, name: str) -> None:
        """Let the operator remove it."""
        (self.root / "own" / name).unlink()

    def text(self, name: str) -> str:
        """Return what a container reads, such as `redis/users.acl`."""
        return (self.root / "out" / name).read_text()

    def json(self, name: str) -> Any:
        """Return it as JSON."""
        return json.loads(self.text(name))

    def everything(self) -> dict[str, str]:
        """Return all files of all containers."""
        out = self.root / "out"
        return {
            path.relative_to(out).as_posix(): path.read_text()
            for path in sorted(out.rglob("*"))
            if path.is_file()
        }

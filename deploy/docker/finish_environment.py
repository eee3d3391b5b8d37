"""Finish a virtual environment for an image: leave out what no service uses, compile, and fix the times.

    python finish_environment.py <environment>

Run by the Dockerfile, with the interpreter of the image, whenever something was installed. The same packages
give the same bytes: compiled modules are tied to no time stamp, and every file gets the same one.
"""

import os
import py_compile
import shutil
import sys
from collections.abc import Iterator, Sequence
from importlib.util import cache_from_source
from pathlib import Path
from typing import Final

AWS_SERVICES: Final = frozenset({"s3", "signin", "sso", "sso-oidc", "sts"})
"""What S3 needs of botocore's descriptions: itself, and where AWS lets credentials come from."""

SWAGGER_FILES: Final = frozenset({"LICENSE", "swagger-ui.css", "swagger-ui-bundle.js"})
"""What the read-api serves of Swagger UI."""

TEST_FOLDERS: Final = frozenset({"test", "tests"})


def main(environment: Path) -> None:
    """Do it, in place. Raises `SystemExit` where a package no longer looks as this program knows it."""
    (packages,) = environment.glob("lib/python3.*/site-packages")
    for path in list(_superfluous(packages)):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for activation in (environment / "bin").glob("[Aa]ctivate*"):
        activation.unlink()
    for source in sorted(packages.rglob("*.py")):
        if not Path(cache_from_source(source)).exists():
            py_compile.compile(
                str(source), doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
            )
    for path in (environment, *environment.rglob("*")):
        os.utime(path, (0, 0), follow_symlinks=False)


def _superfluous(packages: Path) -> Iterator[Path]:
    yield from _all_but(AWS_SERVICES, [one for one in (packages / "botocore/data").iterdir() if one.is_dir()])
    yield from _all_but(SWAGGER_FILES, list((packages / "swagger_ui/static").iterdir()))
    yield from (path for path in packages.rglob("*") if path.name in TEST_FOLDERS and path.is_dir())


def _all_but(needed: frozenset[str], paths: Sequence[Path]) -> Iterator[Path]:
    if missing := needed - {path.name for path in paths}:
        raise SystemExit(f"a package has no {', '.join(sorted(missing))} any more: look at {__file__}")
    yield from (path for path in paths if path.name not in needed)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

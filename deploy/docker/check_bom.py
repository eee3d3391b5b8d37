"""Check that files are CycloneDX documents in order: `python check_bom.py <file>...`."""

import sys
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator


def main(paths: list[str]) -> None:
    """Raise `SystemExit` with what is wrong with the first that is not."""
    validator = JsonStrictValidator(SchemaVersion.V1_7)
    for path in paths:
        if (error := validator.validate_str(Path(path).read_text())) is not None:
            raise SystemExit(f"{path}: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])

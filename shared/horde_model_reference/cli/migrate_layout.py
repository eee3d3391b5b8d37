"""`migrate-model-layout`: component files from the folder of their category to the one beside it."""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from horde_model_reference.cli.layout_moves import Move, carry_out, plan_moves
from horde_model_reference.model_reference_records import GenericModelRecord
from horde_model_reference.no_fork import no_fork
from horde_model_reference.on_disk_layout import resolve_weights_root


def main(arguments: Sequence[str] | None = None) -> int:
    """List the moves, or make them; return the exit status.

    0, also when some files have to stay; 1 when a move failed, or the reference could not be had.
    """
    given = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    records = _load_records()
    if not records:
        _say("the model reference cannot be had: nothing is known about any file")
        return 1
    return migrate(records, resolve_weights_root(given.cache_home), apply=given.apply)


def migrate(records: Sequence[GenericModelRecord], root: Path, *, apply: bool) -> int:
    """List the moves below a folder of weights, or make them; return the exit status."""
    moves = plan_moves(records, root)
    _say(f"weights: {root}")
    failures = sum(not _treat(move, apply=apply) for move in moves)
    free = sum(move.obstacle is None for move in moves)
    if apply:
        _say(f"{free - failures} of {len(moves)} files moved")
    else:
        _say(f"{free} of {len(moves)} files would be moved" + ("; --apply moves them" if free else ""))
    return 1 if failures else 0


def _treat(move: Move, *, apply: bool) -> bool:
    """Say what becomes of a file, and do it; return False when that failed."""
    what = f"{move.source} -> {move.target}"
    if move.obstacle is not None:
        _say(f"stays: {what}: {move.obstacle}")
        return True
    if not apply:
        _say(f"would be moved: {what}")
        return True
    try:
        carry_out(move)
    except OSError as error:
        _say(f"failed: {what}: {error}")
        return False
    _say(f"moved: {what}")
    return True


def _load_records() -> list[GenericModelRecord]:
    """Load the reference as every replica does."""
    with no_fork:
        from horde_model_reference.model_reference_manager import ModelReferenceManager  # noqa: PLC0415

    references = ModelReferenceManager().get_all_model_references()
    return [record for records in references.values() for record in records.values()]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="migrate-model-layout",
        description="Finds VAE and text encoder files in the folder of their category, and moves them "
        "to the folder beside it where they are looked for. Nothing is overwritten; links stay.",
    )
    parser.add_argument(
        "--apply", action="store_true", help="move the files; without it they are only listed"
    )
    parser.add_argument(
        "--cache-home", type=Path, metavar="DIR", help="where the weights lie (default: AIWORKER_CACHE_HOME)"
    )
    return parser


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")

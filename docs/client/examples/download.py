"""Downloads the files of a model: download.py NAME FOLDER."""

import sys

from horde_model_reference import ModelReferenceManager, download_record_files, file_paths_for, is_present


def show(done: int, total: int) -> None:
    """Print how far a file is; `total` is 0 as long as nobody knows it."""
    print(f"\r{done} of {total or '?'} bytes", end="", file=sys.stderr)


def main(name: str, root: str) -> int:
    """Put the files in their places below `root`; return 0 if all are there."""
    record = ModelReferenceManager().get_model("esrgan", name)
    if not is_present(record, root) and not download_record_files(record, root, progress_callback=show):
        print(f"{name} could not be had", file=sys.stderr)
        return 1
    for path in file_paths_for(record, root):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))

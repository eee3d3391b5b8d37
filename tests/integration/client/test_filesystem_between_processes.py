import multiprocessing
import os
import signal
import subprocess
import sys
from multiprocessing.context import BaseContext
from pathlib import Path

import pytest

from horde_model_reference.backends.filesystem import FileSystemBackend
from support.model_records import an_image
from support.programs import assert_silent_success, ran
from support.reference_folders import a_backend, legacy_on_disk, v2_on_disk, with_images

CONTEXTS = [multiprocessing.get_context(name) for name in multiprocessing.get_all_start_methods()]
WRITER = """
import os, sys
from horde_model_reference.backends import FileSystemBackend

real, left = os.replace, int(sys.argv[2])

def dying_replace(source, target):
    global left
    if left == 0:
        os.kill(os.getpid(), 9)
    left -= 1
    return real(source, target)

os.replace = dying_replace
backend = FileSystemBackend(base_path=sys.argv[1])
record = {"name": "b", "baseline": "stable_diffusion_xl", "nsfw": False}
backend.update_model("image_generation", "b", record)
"""
"""Writes a record, and dies by SIGKILL at the rename of that number."""


def write_some(base: Path, writer: str) -> None:
    backend = FileSystemBackend(base_path=base)
    for number in range(5):
        backend.update_model("image_generation", f"{writer}{number}", an_image(f"{writer}{number}"))
    backend.delete_model("image_generation", f"{writer}0")


@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("context", CONTEXTS, ids=lambda context: context.get_start_method())
def test_of_the_writes_of_several_processes_none_is_lost(context: BaseContext, tmp_path: Path) -> None:
    with_images(tmp_path, "first")
    writers = [
        context.Process(target=write_some, args=(tmp_path, name))  # type: ignore[attr-defined] # it has one
        for name in ("x", "y", "z")
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    expected = {"first", *(f"{name}{number}" for name in "xyz" for number in range(1, 5))}
    assert set(v2_on_disk(tmp_path)) == set(legacy_on_disk(tmp_path)) == expected
    found = a_backend(tmp_path).get_metadata("image_generation")
    assert (found.total_creates, found.total_deletes, found.total_models) == (15, 3, 13)


@pytest.mark.parametrize("step", range(6))
def test_a_writer_killed_at_any_step_leaves_both_formats_old_or_both_new(step: int, tmp_path: Path) -> None:
    a_backend(with_images(tmp_path, "a")).warm_cache()
    done = subprocess.run([sys.executable, "-c", WRITER, tmp_path, str(step)], check=False)
    assert done.returncode in {0, -signal.SIGKILL}
    backend = a_backend(tmp_path)
    found = backend.fetch_category("image_generation") or {}
    assert list(found) in (["a"], ["a", "b"])
    assert list(backend.get_legacy_json("image_generation") or {}) == list(found)
    assert backend.get_metadata("image_generation").total_creates == len(found) - 1
    backend.update_model("image_generation", "c", an_image("c"))
    assert list(v2_on_disk(tmp_path)) == list(legacy_on_disk(tmp_path)) == [*found, "c"]


def test_a_lock_whose_holder_was_killed_is_free(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from horde_model_reference.files.locking import locked\n"
        "with locked(Path(sys.argv[1]) / '.write.lock', timeout_seconds=30):\n"
        "    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        holder.kill()
    a_backend(tmp_path).update_model("image_generation", "a", an_image("a"))
    assert list(v2_on_disk(tmp_path)) == ["a"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_forked_while_a_lock_is_held_does_not_keep_it(tmp_path: Path) -> None:
    code = (
        "import os, sys\nfrom pathlib import Path\n"
        "from horde_model_reference.files.locking import locked\n"
        "path = Path(sys.argv[1]) / '.lock'\n"
        "read, write = os.pipe()\n"
        "with locked(path, timeout_seconds=30):\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        os.close(write)\n        os.read(read, 1)\n        os._exit(0)\n"
        "with locked(path, timeout_seconds=0):\n    print('free')\n"
        "os.close(write)\nos.waitpid(child, 0)\n"
    )
    assert_silent_success(ran(code, tmp_path), "free\n")

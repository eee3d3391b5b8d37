"""Children that are forked while another thread of the parent imports something of the library."""

import os
from pathlib import Path

import pytest

from support.programs import assert_silent_success, ran

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

HELD_UP = """
import os, signal, sys, threading, time

class HeldUp:
    \"\"\"Lets the import of a module last until it may go on; Python keeps the module locked meanwhile.\"\"\"

    begun, may_go_on = threading.Event(), threading.Event()

    def __init__(self, module):
        self._module = module

    def find_spec(self, name, path=None, target=None):
        if name == self._module:
            self.begun.set()
            self.may_go_on.wait()

def fork_meanwhile(module, use):
    held_up = HeldUp(module)
    sys.meta_path.insert(0, held_up)
    threading.Thread(target=use, daemon=True).start()
    held_up.begun.wait()
    threading.Timer(0.3, held_up.may_go_on.set).start()
    child = os.fork()
    if child == 0:
        use()
        os._exit(0)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            print(os.waitstatus_to_exitcode(status))
            break
        time.sleep(0.01)
    else:
        os.kill(child, signal.SIGKILL)
        print("the child hangs")
"""

A_MANAGER = """
import json
from pathlib import Path
from horde_model_reference import ModelReferenceManager

base = Path(sys.argv[1])
base.joinpath("clip.json").write_text(json.dumps({"a": {"name": "a", "record_type": "clip"}}))
"""
OFFLINE = (
    A_MANAGER + 'manager = ModelReferenceManager(base_path=base, offline=True, prefetch_strategy="none")\n'
)

CASES = {
    "a name of the package": (
        "horde_model_reference.query_fields",
        "import horde_model_reference\nuse = lambda: horde_model_reference.ImageFields",
    ),
    "a module of the package": (
        "horde_model_reference.annotator_catalog",
        "import horde_model_reference\nuse = lambda: horde_model_reference.annotator_catalog",
    ),
    "the first read of a replica": (
        "horde_model_reference.replica.replica_session",
        A_MANAGER + "use = ModelReferenceManager(base_path=base).backend.session",
    ),
    "the HTTP stack": (
        "aiohttp",
        A_MANAGER + "use = ModelReferenceManager(base_path=base).backend.session",
    ),
    "the first read of the disk": (
        "horde_model_reference.replica.disk_cache",
        OFFLINE + 'use = lambda: manager.get_model("clip", "a")',
    ),
    "the first query": (
        "horde_model_reference.query",
        OFFLINE + 'use = lambda: manager.query("clip").first()',
    ),
    "the loop of the library": (
        "horde_model_reference.replica.loop_thread",
        "from horde_model_reference.background_requests import background_loop\nuse = background_loop",
    ),
    "the first download": (
        "horde_model_reference.downloads.downloader",
        """
from horde_model_reference.download_engine import download_file

use = lambda: download_file("http://127.0.0.1:9/a", Path(sys.argv[1], "a"), max_retries=1)
""",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_child_that_is_forked_during_an_import_does_not_hang(case: str, tmp_path: Path) -> None:
    module, use = CASES[case]
    done = ran(f"{HELD_UP}\nfrom pathlib import Path\n{use}\nfork_meanwhile({module!r}, use)", tmp_path)
    assert_silent_success(done, "0\n")


def test_a_fork_inside_an_import_is_possible(tmp_path: Path) -> None:
    tmp_path.joinpath("forking.py").write_text(
        "import os\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    os._exit(7)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    program = """
        import sys
        sys.path.insert(0, sys.argv[1])
        from horde_model_reference.no_fork import no_fork
        with no_fork:
            import forking
        with no_fork:
            print("the lock is free")
    """
    assert_silent_success(ran(program, tmp_path), "7\nthe lock is free\n")


def test_a_child_can_import_late_itself(tmp_path: Path) -> None:
    program = """
        import os
        from threading import Thread
        from horde_model_reference.no_fork import no_fork

        def take():
            with no_fork:
                os.write(1, b"taken\\n")

        child = os.fork()
        thread = Thread(target=take)
        thread.start()
        thread.join()
        if child:
            os.waitpid(child, 0)
    """
    assert_silent_success(ran(program, tmp_path), "taken\ntaken\n")

"""What depends on a fresh process: classes are built at their first use, the environment is read once."""

import os
import subprocess
import sys

THREADS = """
import sys, threading
from horde_model_reference.record_building import build_records
from horde_model_reference.model_reference_records import (
    GenericModelRecord, ImageGenerationModelRecord, LoraModelRecord, TextGenerationModelRecord
)
sys.setswitchinterval(1e-6)
barrier, wrong = threading.Barrier(8), []

def read(category, expected, fields):
    barrier.wait()
    found = build_records(category, {"x": {"name": "x", **fields}})
    if [type(record) for record in found.records.values()] != [expected]:
        wrong.append((category, found))

kinds = [
    ("lora", LoraModelRecord, {}),
    ("image_generation", ImageGenerationModelRecord, {"baseline": "flux_1", "nsfw": False}),
    ("text_generation", TextGenerationModelRecord, {"parameters": 1}),
    ("lora", LoraModelRecord, {}),
] * 2
threads = [threading.Thread(target=read, args=kind) for kind in kinds]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert not wrong, wrong
"""

TESTING = """
from horde_model_reference.record_building import build_records
stored = {"x": {"name": "x", "parameters": 1, "of_2031": 1}, "y": {"name": "y", "parameters": 1}}
assert list(build_records("text_generation", stored).records) == ["y"]
"""

PICKLED = """
import pickle, sys
record = pickle.loads(sys.stdin.buffer.read())
assert (record.name, record.baseline, record.category) == ("x", "flux_1", "image_generation"), record
record.config.download.append(5)
"""


def run(program: str, given: bytes = b"", **environment: str) -> bytes:
    return subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        input=given,
        stdout=subprocess.PIPE,
        timeout=60,
        env={**os.environ, **environment},
    ).stdout


def test_many_threads_may_build_the_first_records_of_a_process() -> None:
    for _ in range(3):
        run(THREADS)


def test_the_environment_may_forbid_fields_that_nobody_knows() -> None:
    run(TESTING, AI_HORDE_TESTING="1")


def test_a_record_can_be_sent_to_a_process_that_has_built_none() -> None:
    program = (
        "import pickle, sys\n"
        "from horde_model_reference.model_reference_records import ImageGenerationModelRecord\n"
        "record = ImageGenerationModelRecord(name='x', baseline='flux_1', nsfw=True)\n"
        "sys.stdout.buffer.write(pickle.dumps(record))\n"
    )
    run(PICKLED, run(program))

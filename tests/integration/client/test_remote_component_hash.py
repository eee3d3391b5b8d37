import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from horde_model_reference.component_hash import (
    NoComponentTensorsError,
    RangeNotSupportedError,
    UnsupportedContainerError,
    hash_embedded_component_file,
    hash_embedded_component_url,
    hash_embedded_component_url_async,
    hash_standalone_component_file,
    hash_standalone_component_url,
    hash_standalone_component_url_async,
)
from horde_model_reference.components.remote_tensors import (
    TensorHasher,
    open_remote_tensors,
    runs_of_neighbours,
)
from horde_model_reference.components.safetensors_header import Tensor, in_order
from support.downloads import QUICK
from support.file_hosts import FileHost, a_body, file_host, refusing
from support.processes import free_port
from support.safetensors_files import GivenTensor, a_checkpoint, a_tensor, plain_hash

TENSORS = [
    a_tensor("cond_stage_model.t", a_body(3_000)),
    a_tensor("first_stage_model.a", a_body(1_000)),
    a_tensor("first_stage_model.b", b""),
    a_tensor("first_stage_model.c", a_body(2_000)),
    a_tensor("model.x", a_body(500_000)),
    a_tensor("vae.d", a_body(10)),
]


def served(host: FileHost, folder: Path, tensors: Sequence[GivenTensor] = TENSORS) -> tuple[str, Path]:
    path = a_checkpoint(folder, *tensors)
    return host.put(path.read_bytes()), path


def bytes_asked_for(host: FileHost) -> int:
    asked = [(text or "bytes=0-999999").removeprefix("bytes=").split("-") for text in host.ranges]
    return sum(int(last) - int(first) + 1 for first, last in asked)


@pytest.mark.parametrize("kind", ["vae", "text_encoders"])
async def test_a_part_on_a_server_has_the_hash_that_it_has_on_the_disk(kind: str, tmp_path: Path) -> None:
    async with file_host() as host:
        url, path = served(host, tmp_path)
        expected = hash_embedded_component_file(path, kind)
        assert await hash_embedded_component_url_async(url, kind) == expected
        assert await asyncio.to_thread(hash_embedded_component_url, url, kind) == expected


async def test_a_file_on_a_server_has_the_hash_that_it_has_on_the_disk(tmp_path: Path) -> None:
    async with file_host() as host:
        url, path = served(host, tmp_path)
        expected = hash_standalone_component_file(path)
        assert await hash_standalone_component_url_async(url, auth_query_token="t") == expected
        found = await asyncio.to_thread(hash_standalone_component_url, url, extra_headers={"X-Key": "k"})
    assert found == expected
    assert host.seen[0].raw_path == "/file?token=t"
    assert host.seen[-1].headers["X-Key"] == "k"


async def test_only_the_part_is_transferred_and_neighbours_together(tmp_path: Path) -> None:
    async with file_host() as host:
        url, path = served(host, tmp_path)
        await hash_embedded_component_url_async(url, "vae")
    header_bytes = path.stat().st_size - sum(len(item.body) for item in TENSORS)
    assert bytes_asked_for(host) == header_bytes + 3_010
    assert len(host.ranges) == 4  # length of the header, header, two runs


async def test_broken_connections_and_passing_refusals_do_not_matter(tmp_path: Path) -> None:
    async with file_host() as host:
        url, path = served(host, tmp_path)
        host.troubles.extend([refusing(503), None, None, host.cutting(100_000), refusing(500)])
        async with open_remote_tensors(url, patience=QUICK) as remote:
            found = await remote.hash(in_order(await remote.tensors()))
    assert found == hash_standalone_component_file(path)


@pytest.mark.parametrize(("status", "requests"), [(404, 1), (500, 5)])
async def test_lasting_refusals_are_a_connection_error(status: int, requests: int, tmp_path: Path) -> None:
    async with file_host() as host:
        url, _ = served(host, tmp_path)
        host.troubles.extend([refusing(status)] * 9)
        async with open_remote_tensors(url, patience=QUICK) as remote:
            with pytest.raises(ConnectionError, match=str(status)):
                await remote.tensors()
    assert len(host.seen) == requests


async def test_nobody_there_is_a_connection_error() -> None:
    async with open_remote_tensors(f"http://127.0.0.1:{free_port()}/f?token=x", patience=QUICK) as remote:
        with pytest.raises(ConnectionError) as failed:
            await remote.tensors()
    assert "token" not in str(failed.value)


async def test_a_server_without_ranges_is_not_made_to_send_everything(tmp_path: Path) -> None:
    async with file_host() as host:
        url, _ = served(host, tmp_path)
        host.with_ranges = False
        with pytest.raises(RangeNotSupportedError):
            await hash_embedded_component_url_async(url, "vae")
    assert len(host.seen) == 1


async def test_a_file_that_changes_meanwhile_is_not_hashed_from_two_versions(tmp_path: Path) -> None:
    async with file_host() as host:
        url, _ = served(host, tmp_path)
        host.etags["/file"] = '"1"'

        async def change(request: web.Request) -> web.StreamResponse:
            host.etags["/file"] = '"2"'
            return await host.send(request)

        host.troubles.extend([None, None, change])
        with pytest.raises(RangeNotSupportedError):
            await hash_embedded_component_url_async(url, "vae")


@pytest.mark.parametrize("body", [b"", b"\x80\x02}q\x00.", b"\x02\0\0\0\0\0\0\0[]", b"\xff\0\0\0\0\0\0\0{}"])
async def test_other_files_are_unsupported(body: bytes) -> None:
    async with file_host() as host:
        with pytest.raises(UnsupportedContainerError):
            await hash_standalone_component_url_async(host.put(body))


async def test_a_checkpoint_without_the_part_has_no_hash_of_it(tmp_path: Path) -> None:
    async with file_host() as host:
        url, _ = served(host, tmp_path, [a_tensor("x")])
        with pytest.raises(NoComponentTensorsError):
            await hash_embedded_component_url_async(url, "vae")


async def test_a_file_without_tensors_has_no_hash(tmp_path: Path) -> None:
    async with file_host() as host:
        url, _ = served(host, tmp_path, [])
        with pytest.raises(NoComponentTensorsError):
            await hash_standalone_component_url_async(url)


@given(st.lists(st.binary(max_size=6), max_size=6), st.integers(1, 7))
def test_a_hash_does_not_depend_on_how_the_bytes_are_cut(bodies: list[bytes], step: int) -> None:
    given_tensors = [a_tensor(f"t{number}", body) for number, body in enumerate(bodies)]
    hasher = TensorHasher([Tensor(t.name, t.dtype, t.shape, 0, len(t.body)) for t in given_tensors])
    content = b"".join(bodies)
    for begin in range(0, len(content), step):
        hasher.feed(content[begin : begin + step])
    assert hasher.finish() == plain_hash(given_tensors)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=8))
def test_runs_hold_every_byte_in_order_and_none_besides(places: list[tuple[int, int]]) -> None:
    tensors: list[Tensor] = []
    end = 0
    for gap, size in places:
        tensors.append(Tensor("t", "U8", (size,), end + gap, end + gap + size))
        end += gap + size
    runs = list(runs_of_neighbours(tensors))
    assert [byte for begin, end in runs for byte in range(begin, end)] == [
        byte for item in tensors for byte in range(item.begin, item.end)
    ]
    assert all(begin < end for begin, end in runs)

"""Builders for model records in both formats, and for legacy files in any hand's style."""

import json
from dataclasses import dataclass
from typing import Any

from horde_model_reference.category_import import import_source
from horde_model_reference.documents import CategoryDocuments, Record
from horde_model_reference.meta_consts import get_category_descriptor

SHA256 = "ab" * 32
MD5 = "cd" * 16
NOW = 1_700_000_000


def a_legacy_config(*paths: str, yaml: str | None = None, md5sum: str | None = None) -> Record:
    files: list[Record] = []
    for path in paths:
        hashes = {"md5sum": md5sum, "sha256sum": SHA256} if md5sum else {"sha256sum": SHA256}
        files.append({"path": path, **hashes})
    if yaml:
        files.append({"path": yaml})
    download = [{"file_name": path, "file_path": "", "file_url": f"https://host/{path}"} for path in paths]
    return {"files": files, "download": download}


def a_legacy_image(name: str = "Model", **fields: object) -> Record:
    record: Record = {
        "name": name,
        "baseline": "stable diffusion 1",
        "type": "ckpt",
        "inpainting": False,
        "description": "a model",
        "version": "1.0",
        "style": "anime",
        "nsfw": False,
        "download_all": True,
        "config": a_legacy_config("model.ckpt", yaml="v1-inference.yaml", md5sum=MD5),
        "available": False,
        "size_on_disk_bytes": 2132856622,
    }
    return record | fields


def a_small_legacy_record(name: str = "Model", **fields: object) -> Record:
    record: Record = {
        "name": name,
        "type": "realesrgan",
        "description": "a model",
        "version": "0.1.0",
        "style": "generalist",
        "config": a_legacy_config("model.pth"),
        "available": False,
    }
    return record | fields


def a_download(file_name: str = "model.ckpt", **fields: object) -> Record:
    record: Record = {"file_name": file_name, "file_url": f"https://host/{file_name}", "sha256sum": SHA256}
    return record | fields


def an_image(name: str = "Model", **fields: object) -> Record:
    record: Record = {
        "name": name,
        "baseline": "stable_diffusion_xl",
        "nsfw": False,
        "config": {"download": [a_download()]},
    }
    return record | fields


def canonical_file(records: dict[str, Any]) -> bytes:
    return (json.dumps(records, indent=4) + "\n").encode()


def imported(category: str, body: bytes, *, now: int = NOW) -> CategoryDocuments:
    file_name = get_category_descriptor(category).legacy_filename
    return import_source(category, {file_name: body}, now=now, previous=None).documents


@dataclass(frozen=True, slots=True)
class FileStyle:
    """How somebody writes JSON by hand."""

    newline: str = "\n"
    indent: str = "\t"
    colon: str = ": "
    first_name_indented: bool = True
    other_indent: str | None = None
    final_newline: bool = True

    def render(self, records: dict[str, Any]) -> bytes:
        parts = [f"{json.dumps(name)}{self.colon}{self._body(record)}" for name, record in records.items()]
        names_indent = self.indent if self.other_indent is None else self.other_indent
        first = self.indent if self.first_name_indented else ""
        separator = f",{self.newline}{names_indent}"
        inside = f"{self.newline}{first}{separator.join(parts)}{self.newline}" if parts else ""
        return f"{{{inside}}}{self.newline if self.final_newline else ''}".encode()

    def _body(self, record: object) -> str:
        text = json.dumps(record, indent=self.indent, separators=(",", self.colon))
        return text.replace("\n", self.newline + self.indent)

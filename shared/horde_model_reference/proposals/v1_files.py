"""The files of a proposed legacy record.

Edit forms write a hash beside the URL and leave `files` empty (web-console.md A2, C10). In the files of the
legacy repositories a hash stands in `files` alone, so that is where it goes.
"""

from horde_model_reference.documents import Record
from horde_model_reference.proposals.problems import Problem, value_problem


def with_hashes_in_files(config: Record) -> tuple[Record, list[Problem]]:
    """Return the config with the hashes of its downloads moved to its files, and contradicting hashes.

    A download without a file gets one if it has a hash, or if there are no files at all.
    """
    files = [dict(item) for item in config["files"]]
    known = {item["path"]: item for item in files}
    downloads, problems = [], []
    for index, item in enumerate(config["download"]):
        name, given = item["file_name"], item.get("sha256sum")
        downloads.append({key: value for key, value in item.items() if key != "sha256sum"})
        if name not in known and (given or not config["files"]):
            known[name] = {"path": name}
            files.append(known[name])
        if not given:
            continue
        if known[name].setdefault("sha256sum", given).lower() != given.lower():
            where = ("config", "download", index, "sha256sum")
            problems.append(value_problem(where, f"is not the sha256sum of the file {name!r}", given))
    return {**config, "files": files, "download": downloads}, problems

"""What the sources of a selector gave for one category (python-client.md section 8)."""

from collections.abc import Mapping
from typing import NamedTuple

from horde_model_reference.model_reference_records import GenericModelRecord
from horde_model_reference.source_consts import SourceOutcome


class GatheredRecords(NamedTuple):
    """The records of each source, name to record, and what reading each source came to.

    `sources` holds, in the order of the selector, only the sources that gave something; `status` holds every
    source that was asked. The keys of a mapping are the names of its records.
    """

    sources: tuple[tuple[str, Mapping[str, GenericModelRecord]], ...]
    status: Mapping[str, SourceOutcome]

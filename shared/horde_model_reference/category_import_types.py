"""What the import of a category's source files gives."""

from dataclasses import dataclass

from horde_model_reference.documents import CategoryDocuments, Rejection, Remark


@dataclass(frozen=True, slots=True)
class ImportedCategory:
    """The documents made from the sources, the records left out, and what was noticed on the way."""

    documents: CategoryDocuments
    rejected: tuple[Rejection, ...]
    remarks: tuple[Remark, ...]

"""What can be wrong with a journal. The texts say where, and never contain stored content."""

from service_kit.errors import ServiceError


class JournalError(ServiceError):
    """Root of the errors of stored data; nothing here passes by waiting."""

    status = 500


class EntryCorrupt(JournalError):
    """A journal entry is not what it should be: unreadable, under the wrong key, or not valid."""


class ChainBroken(JournalError):
    """An entry is missing although later ones exist, or does not continue the one before it."""


class JournalTooNew(JournalError):
    """An entry was written by a newer version of this software; this one must be updated to go on."""


class RestoreUnfinished(JournalError):
    """A backup is being brought back, or the restore was killed: what is there is not to be used."""


class BlobCorrupt(JournalError):
    """A blob's bytes do not have the hash that its key names, or are not what an entry says they are."""


class BlobMissing(JournalError):
    """An entry names a blob that does not exist."""


class JournalContended(ServiceError):
    """Other writers were faster at every attempt; the same call may succeed later."""

    status, retryable = 503, True

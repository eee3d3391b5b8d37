"""What the file system says becomes an error of the port, with a text that names no path."""

import errno

import pytest

from service_kit.errors import ObjectMissing, ServiceError, StoreFull, StoreUnavailable
from service_kit.file_object_store import file_errors


@pytest.mark.parametrize(
    ("number", "expected", "text"),
    [
        (errno.ENOENT, ObjectMissing, "no object with the key journal/1"),
        (errno.EISDIR, ObjectMissing, "no object"),
        (errno.ENOTDIR, ObjectMissing, "no object"),
        (errno.ENOSPC, StoreFull, "no room left"),
        (errno.EDQUOT, StoreFull, "no room left"),
        (errno.EFBIG, StoreFull, "no room left"),
        (errno.EACCES, StoreUnavailable, "permission denied"),
        (errno.EPERM, StoreUnavailable, "permission denied"),
        (errno.EROFS, StoreUnavailable, "permission denied"),
        (errno.EIO, StoreUnavailable, "cannot be read or written"),
        (errno.EMFILE, StoreUnavailable, "cannot be read or written"),
    ],
)
def test_error_of_the_file_system_is_translated(number: int, expected: type[ServiceError], text: str) -> None:
    with pytest.raises(expected, match=text) as caught, file_errors("journal/1"):
        raise OSError(number, "said the system", "/secret/path")
    assert type(caught.value) is expected
    assert "/secret" not in str(caught.value)

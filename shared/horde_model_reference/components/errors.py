"""Why a hash of a component cannot be computed."""


class UnsupportedContainerError(ValueError):
    """The file is no safetensors file, or a broken one."""


class NoComponentTensorsError(LookupError):
    """None of the tensors belongs to the part asked for."""


class RangeNotSupportedError(RuntimeError):
    """The server hands out whole files only, so that a part of one would cost all of it."""

"""The contract of the library with every interpreter that is installed, and against the whole stack."""

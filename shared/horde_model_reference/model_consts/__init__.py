"""The closed and open sets of names that are particular to one kind of model."""

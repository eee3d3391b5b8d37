"""REPLICA mode: the catalogue of another instance, held here and served on while that one is away."""

"""Values of the state as the API shows them."""

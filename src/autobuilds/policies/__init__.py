"""Pure rules named as in the documentation, unaware of each other."""

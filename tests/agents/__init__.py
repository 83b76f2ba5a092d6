"""Real coding agents and a small fake one, driven through the whole loop against a stub model on the loopback."""

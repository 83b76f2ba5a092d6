"""Implementations of the ports; named only by the wiring."""

"""Where attempts run; each module implements `ports.Runner`."""

"""The ways to run a sub-agent: declarative presets, shipped and the owner's own, and the reader that fills them in."""

"""The gates: one small pure question a module, asked before a task may start."""

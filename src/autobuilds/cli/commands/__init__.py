"""The commands, one small module for a few that belong together; each imports what it needs when it runs."""

"""Transcripts: commands with their output, in Markdown, run as they are read."""

"""Markdown text to blocks with exact spans."""

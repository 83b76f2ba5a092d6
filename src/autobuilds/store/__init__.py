"""The only layer that opens workspace files, and the only one that knows Markdown, YAML and Jinja."""

"""BUILD_QUEUE.md: reading it, and editing it in place."""

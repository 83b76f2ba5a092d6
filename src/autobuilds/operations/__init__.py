"""Pure rules of the second generation: events, triggers, workflows (chapter 6)."""

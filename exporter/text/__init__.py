"""Text to token ids, inside the graph."""

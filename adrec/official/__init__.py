"""The official code beside ours: its weights, its recorded numbers."""

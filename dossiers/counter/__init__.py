"""The counter: people in front of it, quick entry, entry for somebody else, originals."""

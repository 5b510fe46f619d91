"""The public catalogue: finding a procedure, reading it, taking its form home."""

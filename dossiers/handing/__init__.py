"""How a result reaches the citizen: online, at the desk, by public post."""

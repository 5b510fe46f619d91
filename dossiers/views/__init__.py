"""The pages of dossiers: the citizen's own, everybody's, and files."""

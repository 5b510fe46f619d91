"""YAML files -> checked -> compared -> saved as revisions."""

"""Loads of procedures by upload."""

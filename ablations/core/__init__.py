"""Frozen values that every stage shares: studies, trials, records, estimates and findings."""

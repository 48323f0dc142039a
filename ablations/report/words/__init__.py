"""Sentences that rules write from findings, for the opening and for several sections."""

"""The pages of a study's history: what was found over commits, and each arm and metric."""

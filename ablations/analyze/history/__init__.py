"""How a metric changed over commits: where, by how much, and how sure that is."""

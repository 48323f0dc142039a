"""The commands on commits: a study's history, and the commit with which it became worse."""

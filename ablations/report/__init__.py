"""Shows findings: reports, a static site, and posts for a Jekyll blog."""

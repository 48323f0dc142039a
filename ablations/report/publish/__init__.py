"""Where reports go: folders, a static site, and a Jekyll blog."""

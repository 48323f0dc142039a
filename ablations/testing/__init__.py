"""What a project's own tests use: the marker ``ablation`` of pytest."""

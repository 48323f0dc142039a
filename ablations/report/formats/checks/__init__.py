"""What tells a team and its CI what was decided: test reports, summaries, comments, badges."""

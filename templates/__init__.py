"""The Jinja2 templates of the report, and the study file that `ablations init` writes."""

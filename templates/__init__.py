"""The Jinja2 templates of the report; see `ablations.report`."""

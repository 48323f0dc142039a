"""Shows findings: reports, a static site, and posts for a Jekyll blog."""

from __future__ import annotations

from ablations.report.publish.jekyll import build_jekyll
from ablations.report.publish.site import build_site
from ablations.report.writing import render_report

__all__ = ["build_jekyll", "build_site", "render_report"]

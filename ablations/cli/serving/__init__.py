"""Shows a site in the browser while its sources change."""

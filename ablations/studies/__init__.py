"""Built-in studies, as TOML files."""

"""The `regressions` commands, one file each; `group` puts them together."""

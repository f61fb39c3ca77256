"""The `data` commands, one file each; `group` puts them together."""

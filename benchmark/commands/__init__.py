"""One verb per file: a thin layer of arguments over a plain `run` that tests call directly."""

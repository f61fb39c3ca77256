"""Top-quark jets vs QCD jets, from the published top-tagging data set."""

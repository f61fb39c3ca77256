"""Event displays: what representations make of stored events, drawn for people. Only `data show` uses them."""

"""Results in, rankings and static pages out; knows results and metrics alone, and no model library."""

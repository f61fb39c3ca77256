"""Whether something got worse: scores on the same events, counted costs, times in turn, and drifts over revisions."""

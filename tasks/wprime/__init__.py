"""Jets of W bosons from W' vs QCD jets: the task, its reader of published jet images, its validation."""

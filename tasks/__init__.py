"""Where events come from: the five tasks, their generators, detector and real-data sources."""

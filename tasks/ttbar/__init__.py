"""ttbar vs W+jets and Drell-Yan: the task, its reader of real files, its validation."""

"""H to two photons vs photon pairs and photon + jet: the task, its reader of real files, its validation."""

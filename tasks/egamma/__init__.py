"""Electron vs photon showers in the ECAL: the task, its reader of published files, its validation."""

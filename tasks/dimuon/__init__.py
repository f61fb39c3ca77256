"""Dimuon mass classes: the task, its reader of CMS files, its validation."""

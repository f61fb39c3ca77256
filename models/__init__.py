"""Models, and the views that arrange samples as their input."""

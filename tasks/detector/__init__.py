"""A fast simulation of a CMS-like detector, and the reconstruction of its events.

From collisions to hits and tracks:

- `particles` : the final particles of a collision of Pythia
- `geometry`, `cells` : crystals and towers of ECAL and HCAL, and their directions
- `tracker` : magnetic field, bremsstrahlung and conversions on the way to the ECAL; reconstructed tracks
- `showers` : showers in ECAL and HCAL
- `readout`, `digis` : noise, thresholds and times of hits; the ten samples of a pulse
- `pileup`, `overlay` : further collisions, and their energy and tracks over an event
- `conditions` : material, noise and zero suppression, where a task changes them
- `calorimeter`, `hits_and_tracks` : all of this for whole events

From hits and tracks to objects:

- `shower_shapes` : the crop around the hottest crystal
- `clustering`, `photons`, `electrons` : candidates from clusters of crystals
- `particle_flow`, `substructure` : particle-flow candidates, and what is inside a jet

From particles to objects, without hits:

- `response` : efficiencies and resolutions
- `leptons`, `muons`, `jets`, `reconstruction` : smeared leptons, jets, b-tags and missing energy
"""

VERSION = "4"
"""Part of the name of a data set. Raise it with every change that alters the simulated detector."""

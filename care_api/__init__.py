"""The HTTP door for the patients' app and integrators; and the composition root, which alone knows everyone."""

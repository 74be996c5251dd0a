"""The clock door: a metronome that wakes the services, the worker that does what is due, and simulated time."""

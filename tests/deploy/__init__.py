"""What a hospital installs, checked against the code."""

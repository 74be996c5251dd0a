"""The fault matrix: real processes and a real database, killed and misled at random; a stranger judges what is left."""

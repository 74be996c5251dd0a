"""The text door: the channels that carry a message, and the webhooks by which providers call us."""

"""Care: outpatient follow-up. The heart of the house; it imports no door and no instrument."""

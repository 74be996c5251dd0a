"""The watchdog: a process that trusts nothing of Care's and raises a technical alarm when Care has gone quiet.

It has its own connection, its own statements and its own provider. It uses no model, no outbox and no scheduler, and of
the rest of the code only the adapter that hands a text to Twilio. What it says holds counts and names of parts, never
anything of a patient.
"""

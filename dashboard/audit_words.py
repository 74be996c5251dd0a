"""What is recorded in the audit, as a sentence in the reader's language: one for each act that Care knows."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from care.services.audit_views import Line

AGENTS = {
    "patient": _l("The patient"),
    "system": _l("Care itself"),
    "integrator": _l("Another system"),
    "staff": _l("Somebody of staff"),
    "provider": _l("A provider of messages"),
}
SENTENCES = {
    "attachment.opened": _l("%(who)s opened a picture or a recording."),
    "audit.view": _l("%(who)s read the audit."),
    "care-plan.migrate": _l("%(who)s moved a plan to another version of its protocol."),
    "care-plan.pause": _l("%(who)s paused a plan."),
    "care-plan.resume": _l("%(who)s let a plan go on."),
    "care-plan.start": _l("%(who)s started a plan."),
    "care-plan.stop": _l("%(who)s stopped a plan."),
    "care-team.add": _l("%(who)s added a care team."),
    "cohort-file.import": _l("%(who)s enrolled patients from a file."),
    "cohort-file.upload": _l("%(who)s uploaded a file of patients."),
    "cohort.export": _l("%(who)s exported the team's cohort."),
    "communication.readdressed": _l("%(who)s sent a message another way."),
    "consent.give": _l("%(who)s recorded that consent was given."),
    "consent.withdraw": _l("%(who)s recorded that consent was withdrawn."),
    "contact.active": _l("%(who)s made an address active again."),
    "contact.bound": _l("%(who)s joined an account of WeChat to the record."),
    "contact.failed": _l("%(who)s marked an address that does not arrive."),
    "conversation.hand-back": _l("%(who)s handed the conversation back to the bot."),
    "conversation.run-out": _l("%(who)s ended a take-over of the conversation that had run out."),
    "conversation.take-over": _l("%(who)s took the conversation over from the bot."),
    "escalation.accept": _l("%(who)s took the alert."),
    "escalation.complete": _l("%(who)s closed the alert."),
    "escalation.decline": _l("%(who)s declined the alert that was offered."),
    "escalation.hand-on": _l("%(who)s offered the alert to a colleague."),
    "escalation.look": _l("%(who)s looked at the alert."),
    "escalation.sign-off": _l("%(who)s signed the closed case off."),
    "escalation.sign-off-undone": _l("%(who)s took back the signature under a closed case."),
    "escalation.snooze": _l("%(who)s set the alert aside for a while."),
    "escalation.undo": _l("%(who)s undid the last act on the alert."),
    "inbox.settle": _l("%(who)s settled texts that waited, without an answer."),
    "inbox.view": _l("%(who)s read texts in the inbox."),
    "integrator.add": _l("%(who)s let another system hand in values."),
    "integrator.revoke": _l("%(who)s revoked the key of another system."),
    "ladder.save": _l("%(who)s wrote a team's ladder."),
    "note.write": _l("%(who)s wrote a note."),
    "observation.receive": _l("%(who)s handed in measured values."),
    "organization.add": _l("%(who)s added a hospital."),
    "patient.channels": _l("%(who)s changed the order in which the patient's addresses are used."),
    "patient.enrol": _l("%(who)s enrolled the patient."),
    "patient.issue-binding-code": _l("%(who)s made a code for WeChat."),
    "patient.issue-code": _l("%(who)s made a one-time code for the app."),
    "patient.language": _l("%(who)s changed the language that the patient is written to in."),
    "patient.message": _l("%(who)s wrote to the patient."),
    "patient.search": _l("%(who)s searched for patients."),
    "patient.sign-in": _l("%(who)s signed in to the app."),
    "patient.summary": _l("%(who)s made a summary for a visit."),
    "patient.time-zone": _l("%(who)s changed the patient's time zone."),
    "patient.view": _l("%(who)s opened the patient's record."),
    "phone.call": _l("%(who)s logged a call."),
    "phone.entry": _l("%(who)s filled in a form for the patient on the phone."),
    "protocol.discard": _l("%(who)s discarded a draft of a protocol."),
    "protocol.draft": _l("%(who)s began a draft of a protocol."),
    "protocol.publish": _l("%(who)s published a version of a protocol."),
    "protocol.rebase": _l("%(who)s put a draft of a protocol on its newest version."),
    "protocol.save": _l("%(who)s saved a draft of a protocol."),
    "proxy.add": _l("%(who)s added a person who may answer for the patient."),
    "proxy.end": _l("%(who)s ended that a person may answer for the patient."),
    "push.register": _l("%(who)s registered an app for messages."),
    "questionnaire.discard": _l("%(who)s discarded a draft of a questionnaire."),
    "questionnaire.import": _l("%(who)s imported a questionnaire."),
    "questionnaire.publish": _l("%(who)s published a questionnaire."),
    "questionnaire.retire": _l("%(who)s retired a questionnaire."),
    "rota.save": _l("%(who)s wrote a team's rota."),
    "sender.link": _l("%(who)s said whose the address of an unknown sender is."),
    "sender.message": _l("%(who)s answered an unknown sender."),
    "silence.mark": _l("%(who)s noted why the patient is silent."),
    "silence.unmark": _l("%(who)s took back why the patient is silent."),
    "staff.add": _l("%(who)s added an account of staff."),
    "staff.deactivate": _l("%(who)s closed an account of staff."),
    "staff.language": _l("%(who)s chose another language for the pages."),
    "staff.password": _l("%(who)s changed a password."),
    "staff.recovery-code-used": _l("%(who)s used a recovery code."),
    "staff.recovery-codes": _l("%(who)s made new recovery codes."),
    "staff.second-factor": _l("%(who)s set up a second factor."),
    "staff.second-factor-removed": _l("%(who)s removed a second factor."),
    "staff.second-factor-reset": _l("%(who)s reset the second factor of an account."),
    "staff.second-step-failed": _l("%(who)s gave a wrong code at the second step of signing in."),
    "staff.sign-in": _l("%(who)s signed in."),
    "staff.sign-in-failed": _l("%(who)s gave a wrong password."),
    "team.capacity": _l("%(who)s said how many alerts a team can carry."),
    "threshold.clear": _l("%(who)s gave a threshold of the patient back to its rule."),
    "threshold.set": _l("%(who)s set a threshold for the patient."),
    "visit.reopen": _l("%(who)s opened a request for a visit again."),
    "visit.request": _l("%(who)s asked for a visit."),
}


def sentence(line: Line) -> str:
    """What happened, in one sentence; an act without words of its own is named by its code, and never left out."""
    who = line.who or str(AGENTS.get(line.agent_kind, AGENTS["system"]))
    words = SENTENCES.get(line.action)
    if words is None:
        return _("%(who)s did what is recorded as “%(code)s”.", who=who, code=line.action)
    return str(words) % {"who": who}

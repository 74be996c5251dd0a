"""What FHIR R4 lets a date, a time, a URI and a reference look like, what types are called, and how dates compare."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time

WORDS: Mapping[str, str] = {
    "boolean": "yes or no",
    "integer": "a whole number",
    "decimal": "a number",
    "string": "a line of text",
    "text": "a text",
    "date": "a date",
    "dateTime": "a date, or a date and a time with its zone",
    "time": "a time of day",
    "url": "an address",
    "choice": "one of its options",
    "open-choice": "one of its options, or a text",
    "coding": "one of its options",
    "quantity": "a number with a unit",
    "attachment": "a file",
    "reference": "a reference",
}
"""What a question or an answer of each type is in plain words."""
MAX_URI = 2_000
_DATE = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?")
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?")
_URI = re.compile(r"[^\s\x00-\x1f\x7f\\<>\"^`{|}]+")
_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_OID = re.compile(r"urn:oid:[0-2](\.(0|[1-9][0-9]*))+")
_BASED = re.compile(r"[a-z][a-z0-9+.-]*://\S+/([A-Za-z]+)/([A-Za-z0-9.-]{1,64})(/_history/[A-Za-z0-9.-]{1,64})?")
_RELATIVE = re.compile(r"([A-Za-z]+)/([A-Za-z0-9.-]{1,64})(/_history/[A-Za-z0-9.-]{1,64})?")

_RESOURCES = """
    Account ActivityDefinition AdverseEvent AllergyIntolerance Appointment AppointmentResponse AuditEvent Basic Binary
    BiologicallyDerivedProduct BodyStructure Bundle CapabilityStatement CarePlan CareTeam CatalogEntry ChargeItem
    ChargeItemDefinition Claim ClaimResponse ClinicalImpression CodeSystem Communication CommunicationRequest
    CompartmentDefinition Composition ConceptMap Condition Consent Contract Coverage CoverageEligibilityRequest
    CoverageEligibilityResponse DetectedIssue Device DeviceDefinition DeviceMetric DeviceRequest DeviceUseStatement
    DiagnosticReport DocumentManifest DocumentReference EffectEvidenceSynthesis Encounter Endpoint EnrollmentRequest
    EnrollmentResponse EpisodeOfCare EventDefinition Evidence EvidenceVariable ExampleScenario ExplanationOfBenefit
    FamilyMemberHistory Flag Goal GraphDefinition Group GuidanceResponse HealthcareService ImagingStudy Immunization
    ImmunizationEvaluation ImmunizationRecommendation ImplementationGuide InsurancePlan Invoice Library Linkage List
    Location Measure MeasureReport Media Medication MedicationAdministration MedicationDispense MedicationKnowledge
    MedicationRequest MedicationStatement MedicinalProduct MedicinalProductAuthorization
    MedicinalProductContraindication MedicinalProductIndication MedicinalProductIngredient
    MedicinalProductInteraction MedicinalProductManufactured MedicinalProductPackaged MedicinalProductPharmaceutical
    MedicinalProductUndesirableEffect MessageDefinition MessageHeader MolecularSequence NamingSystem NutritionOrder
    Observation ObservationDefinition OperationDefinition OperationOutcome Organization OrganizationAffiliation
    Parameters Patient PaymentNotice PaymentReconciliation Person PlanDefinition Practitioner PractitionerRole
    Procedure Provenance Questionnaire QuestionnaireResponse RelatedPerson RequestGroup ResearchDefinition
    ResearchElementDefinition ResearchStudy ResearchSubject RiskAssessment RiskEvidenceSynthesis Schedule
    SearchParameter ServiceRequest Slot Specimen SpecimenDefinition StructureDefinition StructureMap Subscription
    Substance SubstanceNucleicAcid SubstancePolymer SubstanceProtein SubstanceReferenceInformation
    SubstanceSourceMaterial SubstanceSpecification SupplyDelivery SupplyRequest Task TerminologyCapabilities
    TestReport TestScript ValueSet VerificationResult VisionPrescription"""
RESOURCES = frozenset(_RESOURCES.split())
"""The resource types of R4 (hl7.org/fhir/R4/resourcelist.html): what a reference may point to."""


def is_date(text: str) -> bool:
    """Whether a text is a FHIR date (a year, a month or a day) that exists in the calendar."""
    if len(text) > 10 or not _DATE.fullmatch(text):
        return False
    padded = text + {4: "-01-01", 7: "-01"}.get(len(text), "")
    try:
        return date.fromisoformat(padded).isoformat() == padded
    except ValueError:
        return False


def is_date_time(text: str) -> bool:
    """Whether a text is a FHIR dateTime: a date, or a date with a time to the second and its offset from UTC."""
    day, separator, rest = text.partition("T")
    if not separator:
        return is_date(text)
    if len(text) > 40 or len(day) != 10 or not is_date(day) or len(rest) < 6:
        return False
    clock = rest[:-1] if rest.endswith("Z") else rest[:-6]
    return is_time(clock) and instant(text) is not None


def is_time(text: str) -> bool:
    """Whether a text is a FHIR time: HH:MM:SS with up to nine digits after the second."""
    if len(text) > 18 or not _TIME.fullmatch(text):
        return False
    try:
        return time.fromisoformat(text[:8]) is not None
    except ValueError:
        return False


def instant(text: str) -> datetime | None:
    """The moment that a FHIR dateTime with a time names; None when it names none."""
    clock, dot, fraction = text.partition(".")
    digits = re.match(r"[0-9]{1,9}", fraction)
    if dot and digits is None:
        return None
    offset = fraction[digits.end() :] if digits else ""
    whole = f"{clock}.{digits[0][:6]:0<6}{offset}" if digits else clock
    try:
        found = datetime.fromisoformat(whole)
        return found if found.utcoffset() is not None else None
    except (ValueError, OverflowError):
        return None


def is_before(one: str, other: str) -> bool:
    """Whether a date or dateTime lies before another, at the precision of both: 2022-06-30 is not after 2022-06."""
    if "T" in one and "T" in other:
        first, second = instant(one), instant(other)
        if first is not None and second is not None:
            return first < second
    shared = min(len(one.partition("T")[0]), len(other.partition("T")[0]))
    return one[:shared] < other[:shared]


def is_address(text: str) -> bool:
    """Whether a text can be an address at all: no space, no backslash, not too long."""
    return 0 < len(text) <= MAX_URI and _URI.fullmatch(text) is not None


def is_uri(text: str) -> bool:
    """Whether a text can stand where FHIR wants a uri or url: an address, and a urn in its own form."""
    if not is_address(text):
        return False
    if text.startswith("urn:uuid:"):
        return _UUID.fullmatch(text) is not None
    if text.startswith("urn:oid:"):
        return _OID.fullmatch(text) is not None
    return True


def resource_type(reference: str) -> str | None:
    """The resource type that a literal reference names ("" where it names none); None when it is no reference."""
    if not is_uri(reference):
        return None
    if reference.startswith(("#", "urn:uuid:", "urn:oid:")):
        return ""
    found = _RELATIVE.fullmatch(reference) or _BASED.fullmatch(reference)
    return found[1] if found is not None else ""

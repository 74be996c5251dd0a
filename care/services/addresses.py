"""Addresses: one spelling for each, so that a patient who writes is the patient who was enrolled."""

from __future__ import annotations

import re
import unicodedata

import phonenumbers

from care.errors import Invalid

PHONE_CHANNELS = ("sms", "whatsapp")
LONGEST = 200
# WhatsApp's own id of somebody who shows nobody their number: a country and a name that says nothing.
_HIDDEN = re.compile(r"[A-Z]{2}\.[A-Za-z0-9]{1,140}")


def plain(value: object, place: str, longest: int = LONGEST, least: int = 1) -> str:
    """A line of text without surrounding blanks. Raises Invalid for control characters and wrong lengths."""
    words = value.strip() if isinstance(value, str) else ""
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in words):
        raise Invalid("control-character", "this holds characters that cannot be read", place=place)
    if not least <= len(words) <= longest:
        raise Invalid("length", f"this needs {least} to {longest} characters", place=place)
    return words


def normal_address(channel: str, address: str, country: str | None, place: str = "address") -> str:
    """The one spelling of an address: E.164 for a phone (numbers without a country code are `country`'s), else as is.

    On WhatsApp an address may also be the id of a person whose number nobody sees ("US.1349…"), which stays as it is.
    Raises Invalid("bad-phone") or Invalid for an empty or unreadable address.
    """
    words = plain(address, place)
    if channel == "whatsapp":
        words = words.removeprefix("whatsapp:")
    if channel not in PHONE_CHANNELS or (channel == "whatsapp" and _HIDDEN.fullmatch(words)):
        return words
    try:
        number = phonenumbers.parse(unicodedata.normalize("NFKC", words), country)
    except phonenumbers.NumberParseException:
        raise Invalid("bad-phone", "this is not a phone number; write it with its country code", place=place) from None
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise Invalid("bad-phone", "a phone number of this country has another length", place=place)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def known_country(country: str) -> str:
    """A two-letter country code that phones are known of. Raises Invalid."""
    code = country.strip().upper() if isinstance(country, str) else ""
    if code not in phonenumbers.SUPPORTED_REGIONS:
        raise Invalid("unknown-country", "this is not a country's two-letter code", place="country")
    return code

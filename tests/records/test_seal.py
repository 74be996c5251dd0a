"""Sealed columns: a value opens in its own cell, under its own key, and nowhere else."""

from __future__ import annotations

import base64
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from care.errors import CareError
from care.records.base import Base
from care.records.ids import new_id
from care.records.patients import Patient
from care.records.seal import Keyring, SealBroken, install, key_of, seal, token, unseal
from tests.conftest import KEYS, ROOT

ROW = UUID("0195d3a0-0000-7000-8000-000000000001")


@given(st.text())
def test_what_was_sealed_opens_again(words: str):
    assert unseal("patient", "identity", ROW, seal("patient", "identity", ROW, words)) == words


def test_a_value_moved_to_another_row_column_or_table_does_not_open():
    sealed = seal("patient", "identity", ROW, "Demo Patient")
    for table, column, row in [("contact", "identity", ROW), ("patient", "x", ROW), ("patient", "identity", new_id())]:
        with pytest.raises(SealBroken):
            unseal(table, column, row, sealed)


def test_a_changed_byte_does_not_open():
    sealed = bytearray(seal("patient", "identity", ROW, "Demo Patient"))
    sealed[-1] ^= 1
    with pytest.raises(SealBroken) as caught:
        unseal("patient", "identity", ROW, bytes(sealed))
    assert "Demo" not in str(caught.value)


def test_the_same_words_never_look_the_same_twice():
    assert seal("t", "c", ROW, "38.5") != seal("t", "c", ROW, "38.5")


def test_an_old_key_still_opens_after_a_new_one_has_come():
    old = seal("t", "c", ROW, "kept")
    install(Keyring({"new": bytes(32), **KEYS.keys}, KEYS.token_key))
    assert unseal("t", "c", ROW, old) == "kept"
    assert key_of(seal("t", "c", ROW, "kept")) == "new"


def test_tokens_find_the_same_value_again_and_tell_kinds_apart():
    assert token("name", "demo") == token("name", "demo")
    assert token("name", "demo") != token("pinyin", "demo")


@pytest.mark.parametrize("keys", ["", "a", "a:short", "a:AAAA", ":" + "A" * 44])
def test_keys_that_cannot_be_read_are_refused_without_being_shown(keys: str):
    with pytest.raises(CareError) as caught:
        Keyring.read(keys, "AAAA")
    assert "AAAA" not in caught.value.message


def test_a_row_is_sealed_under_its_own_id():
    patient = Patient(identity={"name": "Demo Patient One"})
    assert patient.name == "Demo Patient One"
    assert b"Demo" not in patient.identity_sealed
    assert patient.initials == "DPO"


@pytest.mark.parametrize("stored", [b"", b"\x09", b"\x04test", b"\x04test" + b"0" * 8, b"\x02\xff\xfe" + b"0" * 40])
def test_bytes_that_are_no_sealed_value_are_told_as_such(stored: bytes):
    with pytest.raises(SealBroken):
        unseal("patient", "identity", ROW, stored)


def test_two_keys_of_one_name_are_refused():
    key = base64.b64encode(bytes(32)).decode()
    with pytest.raises(CareError, match="twice"):
        Keyring.read(f"a:{key},a:{key}", key)


def test_no_sealed_column_is_in_a_table_that_refuses_to_change():
    """Else its old key could never be taken away."""
    migration = (ROOT / "migrations/versions/0002_append_only.py").read_text(encoding="utf-8")
    for table in Base.metadata.sorted_tables:
        if any(column.name.endswith("_sealed") for column in table.columns):
            assert f'"{table.name}"' not in migration

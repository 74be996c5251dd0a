from __future__ import annotations

import gzip
import hashlib
import re

from flask import Flask
from flask.testing import FlaskClient

from dashboard.assets import FOLDER
from tests.dashboard.ward import Ward

PAGES = ("/worklist", "/inbox", "/find", "/enrol", "/protocols", "/core/")
OWN = r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:|src=\"(?!/)|<link[^>]*href=\"(?!/)"


def test_vendored_files_are_the_ones_that_are_written_down():
    listed = dict(re.findall(r"^\| (\S+) \|.*\| ([0-9a-f]{64}) \|$", (FOLDER / "vendor/README.md").read_text(), re.M))
    present = {f.name for f in (FOLDER / "vendor").iterdir()} - {"README.md"}
    assert set(listed) == present
    for name, wanted in listed.items():
        assert hashlib.sha256((FOLDER / "vendor" / name).read_bytes()).hexdigest() == wanted, name


def test_scripts_of_a_page_stay_under_a_hundred_kilobytes(nurse: FlaskClient, ward: Ward):
    for place in (*PAGES, f"/patients/{ward.one.id}", f"/core/cases/{ward.alert(ward.one).id}"):
        scripts = set(re.findall(r'<script src="/assets/([^"?]+)', nurse.get(place).text))
        assert scripts, place
        assert sum(len(gzip.compress((FOLDER / name).read_bytes(), mtime=0)) for name in scripts) <= 100_000, place


def test_a_page_that_loads_htmx_forbids_it_what_the_policy_forbids(nurse: FlaskClient, ward: Ward):
    for place in (*PAGES, f"/patients/{ward.one.id}", f"/core/cases/{ward.alert(ward.one).id}"):
        page = nurse.get(place).text
        assert "htmx.min.js" not in page or '"allowEval":false' in page, place


def test_static_files_are_named_by_content_and_kept(app: Flask, nurse: FlaskClient, ward: Ward):
    for address in re.findall(r'(?:href|src)="(/assets/[^"]+)"', nurse.get("/worklist").text):
        answer = app.test_client().get(address)
        assert answer.status_code == 200, address
        assert "immutable" in answer.headers["Cache-Control"]
    assert app.test_client().get("/assets/../assets.py").status_code == 404


def test_no_page_has_a_script_or_a_style_of_its_own(nurse: FlaskClient, ward: Ward):
    pages = (*PAGES, f"/patients/{ward.one.id}", f"/core/cases/{ward.alert(ward.one).id}")
    for place in pages:
        page = nurse.get(place).text
        assert not re.search(
            r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:|src=\"(?!/)|<link[^>]*href=\"(?!/)", page
        ), place


def test_every_form_that_changes_something_carries_its_token(nurse: FlaskClient, ward: Ward):
    for place in (*PAGES, f"/patients/{ward.one.id}"):
        for form in re.findall(r"<form method=\"post\".*?</form>", nurse.get(place).text, re.S):
            assert 'name="csrf_token"' in form, place

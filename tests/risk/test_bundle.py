"""A bundle is what was signed off, byte for byte, or it is refused."""

import json

import pytest

from care.errors import AssessmentError
from risk.bundle import NEEDED, SUMS, load
from tests.risk.conftest import DIRECTORY, EVENING, diary


def reason(path):
    with pytest.raises(AssessmentError) as refused:
        load(path)
    return refused.value.reason


def test_the_shipped_bundle_loads_and_its_hash_is_that_of_its_file_list(bundle):
    import hashlib

    assert bundle.sha256 == hashlib.sha256((DIRECTORY / SUMS).read_bytes()).hexdigest()
    assert bundle.manifest.golden.n == len(bundle.golden) >= 50


@pytest.mark.parametrize("name", [*NEEDED, SUMS])
def test_one_byte_changed_in_any_file_is_refused(copy, name):
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / name).write_bytes(bytes(data))
    assert reason(copy) == "bundle-hash"


@pytest.mark.parametrize("name", NEEDED)
def test_a_bundle_that_lacks_a_file_is_refused(copy, name):
    (copy / name).unlink()
    assert reason(copy) == "bundle-missing"


def test_a_bundle_without_its_sums_is_refused(copy):
    (copy / SUMS).unlink()
    assert reason(copy) == "bundle-hash"


def test_a_file_that_nobody_signed_is_refused(copy):
    (copy / "extra.bin").write_bytes(b"x")
    assert reason(copy) == "bundle-hash"


def test_a_link_out_of_the_bundle_is_refused(copy, tmp_path):
    (tmp_path / "elsewhere").write_text("{}")
    (copy / "card.json").unlink()
    (copy / "card.json").symlink_to(tmp_path / "elsewhere")
    assert reason(copy) == "bundle-hash"


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    assert reason(tmp_path / "nowhere") == "bundle-missing"


def test_an_operator_off_the_list_is_refused(tampered):
    assert reason(tampered(model=lambda data: data.replace(b"Sigmoid", b"Softmax"))) == "bundle-graph"


def test_an_allowed_operator_that_the_manifest_does_not_name_is_refused(tampered):
    assert reason(tampered(manifest=lambda found: found["graph"]["ops"].remove("Sub"))) == "bundle-graph"


def test_a_graph_cut_short_is_refused(tampered):
    assert reason(tampered(model=lambda data: data[:-7])) == "bundle-graph"


def test_a_graph_other_than_the_one_the_manifest_names_is_refused(copy):
    from risk.bundle import canonical_list

    found = json.loads((copy / "manifest.json").read_text())
    found["graph"]["sha256"] = "0" * 64
    (copy / "manifest.json").write_text(json.dumps(found))
    files = {path.name: path.read_bytes() for path in copy.iterdir() if path.name != SUMS}
    (copy / SUMS).write_text(canonical_list(files))
    assert reason(copy) == "bundle-hash"


@pytest.mark.parametrize(
    "change",
    [
        lambda found: found.update(surprise=1),
        lambda found: found.pop("requires"),
        lambda found: found["features"][0].update(source="weight"),
        lambda found: found["head"]["bands"].reverse(),
        lambda found: found["sources"]["glucose"].pop("hard"),
        lambda found: found["features"].append(found["features"][0]),
        lambda found: found["golden"].update(n=3),
    ],
    ids=["unknown key", "no requirement", "no such source", "bands fall", "no hard range", "name twice", "few golden"],
)
def test_a_manifest_that_does_not_hold_together_is_refused(tampered, change):
    assert reason(tampered(manifest=change)) == "bundle-manifest"


def test_golden_rows_other_than_declared_are_refused(tampered):
    assert reason(tampered(golden=lambda text: text + text.splitlines()[0] + "\n")) == "bundle-golden"


def test_the_bundle_id_and_hash_are_on_every_assessment(bundle, scorer):
    found = scorer.assess(diary(90, 120, 65, 140, 100, 88), EVENING, "UTC")
    assert (found.bundle_id, found.bundle_sha256) == (bundle.id, bundle.sha256)


def test_the_card_says_what_the_model_is_not(bundle):
    text = json.dumps(bundle.card)
    assert "calibration more than discrimination" in text
    assert bundle.card["release_info"]["status"] == "research"
    assert "{" not in text.replace("{", "", text.count('": {') + 1)  # every gap is filled

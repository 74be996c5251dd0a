"""Content: seeds are published once, a published version stays, and each is compiled once."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from care import library
from care.errors import Conflict, Invalid, NotFound
from care.records.definitions import Definition
from care.records.ids import new_id
from care.runtime import Runtime
from care.services import content

BASE = "https://care.invalid/fhir/"
DIABETES = f"{BASE}PlanDefinition/diabetes-diary|1.0.0"


def test_publishing_twice_publishes_once(session: Session, rt: Runtime) -> None:
    first = content.publish_seeds(session, rt.now())
    assert first == {"published": len(library.seeds()), "unchanged": 0}
    assert content.publish_seeds(session, rt.now()) == {"published": 0, "unchanged": first["published"]}
    assert session.scalars(select(func.count(Definition.id))).one() == first["published"]


def test_a_published_version_with_another_content_is_a_conflict(session: Session, rt: Runtime) -> None:
    seed = library.seeds()[0]
    session.add(
        Definition(
            kind=seed.kind,
            url=seed.url,
            version=seed.version,
            sha256="0" * 64,
            document=dict(seed.document),
            published_at=rt.now(),
        )
    )
    session.commit()
    with pytest.raises(Conflict):
        content.publish_seeds(session, rt.now())
    assert session.scalars(select(func.count(Definition.id))).one() == 1


def test_all_that_a_protocol_names_is_published(session: Session, rt: Runtime) -> None:
    content.publish_seeds(session, rt.now())
    protocols = content.protocols(session)
    assert len(protocols) == 3
    for found in protocols:
        plan = content.plan(session, found.canonical)
        assert content.plan(session, found.id) is plan
        assert {content.questionnaire(session, action.questionnaire).canonical for action in plan.actions}
        assert len(content.rule_sets(session, plan.rules)) == len(plan.rules)
        if plan.diary:
            assert content.questionnaire(session, plan.diary).canonical == plan.diary


def test_what_is_not_published_or_of_another_kind_is_not_found(session: Session, rt: Runtime) -> None:
    content.publish_seeds(session, rt.now())
    for ask in (
        lambda: content.plan(session, f"{BASE}PlanDefinition/unheard-of|1.0.0"),
        lambda: content.plan(session, "nothing"),
        lambda: content.plan(session, new_id()),
        lambda: content.questionnaire(session, DIABETES),
        lambda: content.rule_sets(session, ["unheard-of"]),
    ):
        with pytest.raises(NotFound):
            ask()


def test_a_rule_set_carries_the_hash_of_its_content(session: Session, rt: Runtime) -> None:
    content.publish_seeds(session, rt.now())
    (rules,) = content.rule_sets(session, ["diabetes"])
    assert rules.sha256 == next(s.sha256 for s in library.seeds() if s.kind == "RuleSet" and "diabetes" in s.url)
    assert content.rule_sets(session, [f"{rules.url}|{rules.version}"])[0] is rules


def test_a_definition_is_read_from_the_database_once_a_session(session: Session, rt: Runtime) -> None:
    content.publish_seeds(session, rt.now())
    content.plan(session, DIABETES)
    session.commit()
    content.plan(session, DIABETES)
    assert not session.in_transaction(), "the second time nothing was asked"


def test_a_published_definition_cannot_be_deleted(session: Session, rt: Runtime) -> None:
    content.publish_seeds(session, rt.now())
    with pytest.raises(Exception, match="definition"):
        session.execute(text("DELETE FROM definition"))
    session.rollback()


def test_a_seed_that_cannot_be_done_as_written_is_not_published(session: Session, rt: Runtime) -> None:
    good = library.seeds()
    document = {**good[-1].document, "version": "9", "action": []}
    bad = library.Seed("PlanDefinition", good[-1].url, "9", document, "f" * 64)
    with pytest.raises(Invalid):
        content.publish_seeds(session, rt.now(), [*good, bad])
    session.rollback()
    assert session.scalars(select(func.count(Definition.id))).one() == 0

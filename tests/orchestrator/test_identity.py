"""API keys: what they look like, whom they identify, and what they never give away."""

from __future__ import annotations

import hmac
from uuid import uuid4

import pytest

from masterflow.errors import InvalidInput, NotFound, NotPermitted, Unauthenticated
from masterflow.kernel.permission import ROLES, Scope
from masterflow.orchestrator import identity as module
from masterflow.orchestrator.identity import Identity, Presented, hash_token, new_key
from masterflow.telemetry import redact
from support.services import Keys


@pytest.fixture
def identity(database) -> Identity:
    """Identity over the role of requests."""
    return Identity(database)


def test_a_new_key_has_a_prefix_a_secret_of_256_bits_and_a_hash_of_the_whole_token():
    first, second = new_key(), new_key()
    kind, prefix, secret = first.token.split("_", 2)
    assert (kind, prefix, len(prefix), len(secret)) == ("mf", first.prefix, 8, 43)
    assert first.key_hash == hash_token(first.token)
    assert first.token != second.token


def test_a_key_never_reaches_the_log():
    token = new_key().token
    assert token not in str(redact(None, "", {"event": f"refused {token}", "deep": [{"text": token}]}))


async def test_a_key_gives_the_scope_of_its_only_engagement(identity, keys: Keys, scope: Scope):
    token, principal = keys.grant(scope.client_account_id, ("analyst", scope.engagement_id))
    found = await identity.identify(Presented(token, ip="192.0.2.1", user_agent="cli", request_id="r-1"))
    assert (found.client_account_id, found.engagement_id) == (scope.client_account_id, scope.engagement_id)
    assert (found.actor, found.ip, found.user_agent, found.request_id) == (str(principal), "192.0.2.1", "cli", "r-1")
    assert found.permissions == ROLES["analyst"]


async def test_the_engagement_is_chosen_among_the_granted_ones(identity, keys, make_scope):
    one = make_scope()
    two = make_scope(client=one.client_account_id)
    token, _ = keys.grant(one.client_account_id, ("viewer", one.engagement_id), ("analyst", two.engagement_id))
    with pytest.raises(InvalidInput, match="several engagements") as refused:
        await identity.identify(Presented(token))
    assert str(one.engagement_id) in refused.value.next_step
    found = await identity.identify(Presented(token, engagement_id=str(two.engagement_id)))
    assert (found.engagement_id, found.permissions) == (two.engagement_id, ROLES["analyst"])


async def test_a_grant_for_all_engagements_adds_to_the_one_for_the_chosen(identity, keys, make_scope):
    one = make_scope()
    two = make_scope(client=one.client_account_id)
    token, _ = keys.grant(one.client_account_id, ("viewer", None), ("engagement_manager", one.engagement_id))
    manager = await identity.identify(Presented(token, engagement_id=str(one.engagement_id)))
    viewer = await identity.identify(Presented(token, engagement_id=str(two.engagement_id)))
    assert (manager.permissions, viewer.permissions) == (ROLES["engagement_manager"], ROLES["viewer"])


async def test_a_key_with_scopes_has_at_most_those(identity, keys, scope):
    token, _ = keys.grant(scope.client_account_id, ("viewer", scope.engagement_id), scopes=["flow:read", "flow:delete"])
    assert (await identity.identify(Presented(token))).permissions == {"flow:read"}


async def test_an_engagement_that_is_not_granted_answers_like_one_that_does_not_exist(
    identity, keys, make_scope, other_scope
):
    one = make_scope()
    hidden = make_scope(client=one.client_account_id)
    token, _ = keys.grant(one.client_account_id, ("client_admin", one.engagement_id))
    every, _ = keys.grant(one.client_account_id, ("client_admin", None))
    asked = [
        Presented(token, engagement_id=str(hidden.engagement_id)),
        Presented(token, engagement_id=str(other_scope.engagement_id)),
        Presented(token, engagement_id=str(uuid4())),
        Presented(every, engagement_id=str(other_scope.engagement_id)),
        Presented(token, client_account_id=str(other_scope.client_account_id)),
        Presented(token, client_account_id=str(uuid4()), engagement_id=str(one.engagement_id)),
    ]
    answers = set()
    for presented in asked:
        with pytest.raises(NotFound) as refused:
            await identity.identify(presented)
        answers.add((refused.value.detail, str(refused.value.where), refused.value.next_step))
    assert len(answers) == 1


async def test_the_keys_own_client_account_may_be_named(identity, keys, scope):
    token, _ = keys.grant(scope.client_account_id, ("viewer", scope.engagement_id))
    found = await identity.identify(Presented(token, client_account_id=str(scope.client_account_id)))
    assert found.client_account_id == scope.client_account_id


@pytest.mark.parametrize("header", ["client_account_id", "engagement_id"])
async def test_a_header_that_is_no_uuid_is_refused(identity, keys, scope, header):
    token, _ = keys.grant(scope.client_account_id, ("viewer", scope.engagement_id))
    with pytest.raises(InvalidInput, match="not a UUID"):
        await identity.identify(Presented(token, **{header: "acme"}))


async def test_a_key_without_a_role_may_do_nothing(identity, keys, scope):
    token, _ = keys.grant(scope.client_account_id)
    with pytest.raises(NotPermitted, match="no role"):
        await identity.identify(Presented(token))


async def test_unknown_wrong_expired_revoked_and_disabled_keys_all_look_the_same(identity, keys, scope, admin):
    grant = ("viewer", scope.engagement_id)
    good, _ = keys.grant(scope.client_account_id, grant)
    expired, _ = keys.grant(scope.client_account_id, grant, expired=True)
    revoked, _ = keys.grant(scope.client_account_id, grant)
    disabled, owner = keys.grant(scope.client_account_id, grant)
    admin.execute("update app.api_keys set revoked_at = now() where prefix = %s", (revoked[3:11],))
    admin.execute("update app.principals set disabled_at = now() where id = %s", (owner,))
    wrong = good[:-1] + ("A" if good[-1] != "A" else "B")
    answers = set()
    for token in (new_key().token, wrong, expired, revoked, disabled, "mf_short_x", "", "x" * 5000, f"{good}\n"):
        with pytest.raises(Unauthenticated) as refused:
            await identity.identify(Presented(token))
        answers.add((refused.value.detail, str(refused.value.where)))
    assert len(answers) == 1
    assert (await identity.identify(Presented(good))).actor


async def test_without_a_key_nobody_is_identified(identity):
    with pytest.raises(Unauthenticated, match="needed"):
        await identity.identify(Presented(None))


async def test_an_unknown_prefix_costs_the_same_comparison_as_a_wrong_secret(identity, keys, scope, monkeypatch):
    compared = []

    class Counting:
        @staticmethod
        def compare_digest(left, right):
            compared.append((len(left), len(right)))
            return hmac.compare_digest(left, right)

    monkeypatch.setattr(module, "hmac", Counting)
    good, _ = keys.grant(scope.client_account_id, ("viewer", scope.engagement_id))
    for token in (new_key().token, good[:-1] + ("A" if good[-1] != "A" else "B")):
        with pytest.raises(Unauthenticated):
            await identity.identify(Presented(token))
    assert compared == [(32, 32), (32, 32)]


async def test_a_revoked_role_is_gone_at_once(identity, keys, scope, admin):
    token, owner = keys.grant(
        scope.client_account_id, ("viewer", scope.engagement_id), ("analyst", scope.engagement_id)
    )
    assert "flow:create" in (await identity.identify(Presented(token))).permissions
    admin.execute(
        "update app.role_grants set expires_at = now() - interval '1 s' where principal_id = %s and role = 'analyst'",
        (owner,),
    )
    assert (await identity.identify(Presented(token))).permissions == ROLES["viewer"]

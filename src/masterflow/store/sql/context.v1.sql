-- The tenant context of a transaction: set only by app.begin, read by policies, defaults and triggers.
create function app.client_id() returns uuid language sql stable parallel safe
as $$ select nullif(current_setting('app.client_account_id', true), '')::uuid $$;

create function app.engagement_id() returns uuid language sql stable parallel safe
as $$ select nullif(current_setting('app.engagement_id', true), '')::uuid $$;

create function app.change_set_id() returns uuid language sql stable parallel safe
as $$ select nullif(current_setting('app.change_set', true), '')::uuid $$;

create function app.actor() returns jsonb language sql stable parallel safe
as $$ select coalesce(nullif(current_setting('app.actor', true), '')::jsonb, '{}'::jsonb) $$;

create function app.actor_id() returns text language sql stable parallel safe
as $$ select app.actor() ->> 'id' $$;

-- Key of the advisory lock of an engagement; advisory locks are database-wide, so the key holds both ids.
create function app.engagement_key(p_client uuid, p_engagement uuid) returns bigint
language sql immutable parallel safe
as $$ select hashtextextended(p_client::text || p_engagement::text, 7) $$;

-- Context of a reading transaction: no lock, so that reads never wait for a roll-back.
create function app.enter(p_client uuid, p_engagement uuid, p_actor jsonb) returns void
language plpgsql set search_path = pg_catalog as $$
begin
    if p_client is null or p_engagement is null or p_actor ->> 'id' is null then
        raise exception 'a transaction needs a client account, an engagement and an actor'
            using errcode = 'MF001';
    end if;
    perform set_config('app.client_account_id', p_client::text, true),
            set_config('app.engagement_id', p_engagement::text, true),
            set_config('app.actor', p_actor::text, true),
            set_config('app.change_set', '', true);
end $$;

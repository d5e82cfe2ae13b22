-- What is known of an API key by its public prefix: the hash to compare, and the owner's live grants.
create function app.authenticate(p_prefix text)
returns table (key_id uuid, key_hash bytea, principal_id uuid, principal_name text, client_account_id uuid,
               scopes jsonb, usable boolean, grants jsonb)
language sql stable security definer set search_path = pg_catalog as $$
    select k.id, k.key_hash, p.id, p.name, k.client_account_id, k.scopes,
           k.revoked_at is null and p.disabled_at is null and coalesce(k.expires_at, 'infinity') > clock_timestamp(),
           coalesce((select jsonb_agg(jsonb_build_object('role', g.role, 'engagement_id', g.engagement_id))
                     from app.role_grants g
                     where g.client_account_id = k.client_account_id and g.principal_id = p.id
                       and coalesce(g.expires_at, 'infinity') > clock_timestamp()), '[]')
    from app.api_keys k
    join app.principals p on p.client_account_id = k.client_account_id and p.id = k.principal_id
    where k.prefix = p_prefix
$$;

-- Engagements of one client account that a list of grants may choose from.
create function app.engagements_of(p_client uuid)
returns table (engagement_id uuid, name text)
language sql stable security definer set search_path = pg_catalog as $$
    select e.engagement_id, e.name from app.engagements e where e.client_account_id = p_client order by e.name
$$;

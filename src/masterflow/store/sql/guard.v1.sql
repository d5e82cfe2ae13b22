-- Statement trigger of every captured table: no write outside an open change set of this engagement.
create function app.guard() returns trigger language plpgsql set search_path = pg_catalog as $$
declare
    v_client uuid := app.client_id();
    v_engagement uuid := app.engagement_id();
    v_change_set uuid := app.change_set_id();
begin
    if tg_op = 'TRUNCATE' then
        raise exception 'captured table % is never truncated', tg_table_name using errcode = 'MF003';
    end if;
    if v_client is null or v_engagement is null or v_change_set is null then
        raise exception 'write to %.% outside a change set', tg_table_schema, tg_table_name
            using errcode = 'MF002';
    end if;
    if not pg_try_advisory_xact_lock_shared(app.engagement_key(v_client, v_engagement)) then
        perform pg_advisory_xact_lock_shared(app.engagement_key(v_client, v_engagement));
    end if;
    if not exists (select 1 from app.change_sets
                   where client_account_id = v_client and engagement_id = v_engagement
                     and id = v_change_set and status = 'open') then
        raise exception 'change set % is not open in this engagement', v_change_set using errcode = 'MF002';
    end if;
    return null;
end $$;

create function app.refuse_key_change() returns trigger language plpgsql set search_path = pg_catalog as $$
begin
    raise exception 'key columns of % never change', tg_table_name using errcode = 'MF004';
end $$;

create function app.refuse_change() returns trigger language plpgsql set search_path = pg_catalog as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'MF003';
end $$;

-- First statement of each writing transaction: tenant context, shared engagement lock, change set.
-- kind 'none': no captured table is written. 'run': the change set of a phase run, must be open.
-- 'human': a new change set for one edit by a person.
create function app.begin(p_client uuid, p_engagement uuid, p_actor jsonb, p_change_set uuid, p_kind text)
returns void language plpgsql set search_path = pg_catalog as $$
begin
    if p_client is null or p_engagement is null or p_actor ->> 'id' is null then
        raise exception 'a transaction needs a client account, an engagement and an actor'
            using errcode = 'MF001';
    end if;
    perform pg_advisory_xact_lock_shared(app.engagement_key(p_client, p_engagement));
    perform set_config('app.client_account_id', p_client::text, true),
            set_config('app.engagement_id', p_engagement::text, true),
            set_config('app.actor', p_actor::text, true),
            set_config('app.change_set', coalesce(p_change_set::text, ''), true);
    if p_kind = 'none' then
        return;
    elsif p_kind = 'human' then
        insert into app.change_sets (id, kind, created_by)
        values (p_change_set, 'human', p_actor ->> 'id');
    elsif p_kind = 'run' then
        perform 1 from app.change_sets
        where client_account_id = p_client and engagement_id = p_engagement
          and id = p_change_set and status = 'open' for share;
        if not found then
            raise exception 'change set % is not open in this engagement', p_change_set
                using errcode = 'MF002';
        end if;
    else
        raise exception 'unknown kind of transaction: %', p_kind using errcode = 'MF001';
    end if;
end $$;

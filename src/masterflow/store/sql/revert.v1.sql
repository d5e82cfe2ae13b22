-- Undo change sets as a change set of its own: exclusive engagement lock first, then a net restore of
-- each touched table. Returns one row per table that changed. Undoing a rollback makes the change sets
-- that it had reverted count again.
create function app.revert(p_client uuid, p_engagement uuid, p_actor jsonb, p_change_set uuid, p_sets uuid[])
returns table (table_name text, removed bigint, changed bigint, restored bigint)
language plpgsql as $$
begin
    perform pg_catalog.pg_advisory_xact_lock(app.engagement_key(p_client, p_engagement));
    perform app.begin(p_client, p_engagement, p_actor, null, 'none');
    if exists (select 1 from unnest(p_sets) s where not exists (
            select 1 from app.change_sets c where c.client_account_id = p_client
              and c.engagement_id = p_engagement and c.id = s and c.status <> 'reverted')) then
        raise exception 'a change set is unknown here or reverted already' using errcode = 'MF014';
    end if;
    insert into app.change_sets (id, kind, created_by) values (p_change_set, 'rollback', p_actor ->> 'id');
    perform pg_catalog.set_config('app.change_set', p_change_set::text, true);
    set constraints all deferred;
    for table_name in
        select c.table_name from app.captured_tables c
        where exists (select 1 from app.row_changes r where r.client_account_id = p_client
                      and r.engagement_id = p_engagement and r.table_name = c.table_name
                      and r.change_set_id = any(p_sets)) order by 1
    loop
        select u.removed, u.changed, u.restored into removed, changed, restored
        from app.undo_table(table_name, p_sets) u;
        return next;
    end loop;
    set constraints all immediate;
    update app.change_sets c set status = 'sealed', reverted_by = null
    where c.client_account_id = p_client and c.engagement_id = p_engagement and c.reverted_by = any(p_sets);
    update app.change_sets c set status = 'reverted', reverted_by = p_change_set
    where c.client_account_id = p_client and c.engagement_id = p_engagement and c.id = any(p_sets);
    perform app.seal_change_set(p_change_set);
end $$;

-- Revert the change set of a failed or cancelled run and clear the mark on its flow; no row when another
-- process has done it.
create function app.revert_run(p_client uuid, p_engagement uuid, p_actor jsonb, p_flow uuid, p_run uuid)
returns table (table_name text, removed bigint, changed bigint, restored bigint)
language plpgsql as $$
declare v_flow app.crewai_flow_state_extensions;
begin
    perform pg_advisory_xact_lock(app.engagement_key(p_client, p_engagement));
    perform app.begin(p_client, p_engagement, p_actor, null, 'none');
    update app.crewai_flow_state_extensions f
    set revert_pending = false, version = f.version + 1, event_seq = f.event_seq + 1, updated_at = clock_timestamp()
    where f.client_account_id = p_client and f.engagement_id = p_engagement and f.flow_id = p_flow
      and f.run_id = p_run and f.revert_pending returning * into v_flow;
    if not found then
        return;
    end if;
    perform app.record_move(v_flow, 'revert', v_flow.flow_status, 'run_reverted',
                            jsonb_build_object('reverted_run', p_run));
    return query select r.* from app.revert(p_client, p_engagement, p_actor, gen_random_uuid(), array[p_run]) r;
end $$;

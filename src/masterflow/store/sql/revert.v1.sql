-- Undo change sets as a change set of its own: exclusive engagement lock first, then a net restore of
-- each touched table. Returns one row per table that changed.
create function app.revert(p_client uuid, p_engagement uuid, p_actor jsonb, p_change_set uuid, p_sets uuid[])
returns table (table_name text, removed bigint, changed bigint, restored bigint)
language plpgsql as $$
begin
    perform pg_catalog.pg_advisory_xact_lock(app.engagement_key(p_client, p_engagement));
    perform app.begin(p_client, p_engagement, p_actor, null, 'none');
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
    update app.change_sets set status = 'reverted', reverted_by = p_change_set where id = any(p_sets);
    update app.change_sets set status = 'sealed', sealed_at = pg_catalog.clock_timestamp() where id = p_change_set;
end $$;

-- Revert the change set of a failed or cancelled run and clear the mark on its flow.
create function app.revert_run(p_client uuid, p_engagement uuid, p_actor jsonb, p_flow uuid, p_run uuid)
returns table (table_name text, removed bigint, changed bigint, restored bigint)
language plpgsql as $$
declare v_flow app.crewai_flow_state_extensions;
begin
    return query select r.* from app.revert(p_client, p_engagement, p_actor, gen_random_uuid(), array[p_run]) r;
    update app.crewai_flow_state_extensions f
    set revert_pending = false, version = f.version + 1, event_seq = f.event_seq + 1, updated_at = clock_timestamp()
    where f.client_account_id = p_client and f.engagement_id = p_engagement and f.flow_id = p_flow
      and f.revert_pending returning * into v_flow;
    if found then
        perform app.record_move(v_flow, 'revert', v_flow.flow_status, 'run_reverted',
                                jsonb_build_object('reverted_run', p_run));
    end if;
end $$;

-- Re-dispatch runs that are due but have no live job; owned by the dispatch role, returns ids only.
create function app.reconcile(p_grace interval)
returns table (client_account_id uuid, engagement_id uuid, flow_id uuid, run_id uuid)
language plpgsql security definer set search_path = pg_catalog as $$
begin
    if not pg_try_advisory_xact_lock(hashtextextended('masterflow.reconcile', 7)) then
        return;
    end if;
    return query
    with due as (
        select f.client_account_id, f.engagement_id, f.flow_id, r.id, r.attempt, r.due_at
        from app.crewai_flow_state_extensions f
        join app.phase_runs r on r.client_account_id = f.client_account_id
             and r.engagement_id = f.engagement_id and r.id = f.run_id
        where f.flow_status in ('queued', 'running') and r.status in ('queued', 'running')
          and f.updated_at < clock_timestamp() - p_grace
          and coalesce(r.due_at, '-infinity') < clock_timestamp()
          and not exists (select 1 from queue.pgqueuer q where q.status in ('queued', 'picked')
                          and q.dedupe_key = r.id::text || ':' || r.attempt)
        limit 1000
    ), jobs as (
        insert into queue.pgqueuer (priority, status, entrypoint, dedupe_key, payload)
        select 0, 'queued', 'phase_run', d.id::text || ':' || d.attempt,
               convert_to(concat_ws(',', d.client_account_id, d.engagement_id, d.flow_id, d.id, d.attempt), 'UTF8')
        from due d
        on conflict (dedupe_key) where status in ('queued', 'picked') and dedupe_key is not null do nothing
        returning dedupe_key
    )
    select d.client_account_id, d.engagement_id, d.flow_id, d.id from due d
    join jobs j on j.dedupe_key = d.id::text || ':' || d.attempt;
end $$;

-- Flows of failed or cancelled runs whose changes are still to be reverted.
create function app.pending_reverts()
returns table (client_account_id uuid, engagement_id uuid, flow_id uuid, run_id uuid)
language sql security definer set search_path = pg_catalog as $$
    select f.client_account_id, f.engagement_id, f.flow_id, f.run_id
    from app.crewai_flow_state_extensions f where f.revert_pending
    order by f.updated_at limit 1000
$$;

-- Write a run's outcome and the checkpoint after it. A retry keeps the run and counts the attempt, a
-- paused run (pending) is kept as it is.
create function app.close_run(p_flow app.crewai_flow_state_extensions, p_outcome jsonb, p_outputs bytea)
returns void language plpgsql set search_path = pg_catalog as $$
declare
    v_retry boolean := p_outcome ->> 'run_status' = 'queued';
    v_goes_on boolean := p_outcome ->> 'run_status' in ('queued', 'pending');
begin
    update app.phase_runs r
    set status = p_outcome ->> 'run_status', outputs = coalesce(p_outputs, r.outputs),
        attempt = r.attempt + case when v_retry then 1 else 0 end,
        due_at = case when v_retry
                      then clock_timestamp() + make_interval(secs => (p_outcome ->> 'due_seconds')::double precision) end,
        finished_at = case when v_goes_on then null else clock_timestamp() end,
        error = coalesce(p_outcome -> 'error', case when v_retry then r.error end),
        validation = coalesce(p_outcome -> 'validation', r.validation),
        execution_time_ms = coalesce((p_outcome ->> 'execution_ms')::bigint, r.execution_time_ms),
        resource_usage = coalesce(p_outcome -> 'resource_usage', r.resource_usage),
        next_phase = p_outcome ->> 'next_phase'
    where r.id = p_flow.run_id;
    if v_goes_on then
        return;
    end if;
    if not coalesce((p_outcome ->> 'revert')::boolean, false) then  -- what is to be reverted stays open until then
        update app.change_sets set status = 'sealed', sealed_at = clock_timestamp()
        where id = p_flow.run_id and status = 'open';
    end if;
    insert into app.checkpoints (flow_id, run_id, phase, kind, state, digest, phases_completed)
    values (p_flow.flow_id, p_flow.run_id, p_flow.current_phase, 'after', p_flow.flow_state,
            sha256(p_flow.flow_state), p_flow.phases_completed)
    on conflict do nothing;
end $$;

-- Open the next run of a flow that came to rest in ready; used by auto_execute and by approvals.
create function app.continue_flow(p_flow app.crewai_flow_state_extensions, p_run jsonb)
returns app.crewai_flow_state_extensions language plpgsql set search_path = pg_catalog as $$
declare v_flow app.crewai_flow_state_extensions;
begin
    perform app.require_move('execute', p_flow.flow_status, p_run ->> 'to');
    v_flow := app.open_run(p_flow, p_run, decode(p_run ->> 'inputs', 'base64'));
    perform app.record_move(v_flow, 'execute', p_flow.flow_status,
                            case v_flow.flow_status when 'queued' then 'phase_queued' else 'approval_requested' end,
                            jsonb_build_object('attempt', 1));
    if v_flow.flow_status = 'queued' then
        perform app.enqueue_run(v_flow.flow_id, v_flow.run_id, 1, null);
    end if;
    return v_flow;
end $$;

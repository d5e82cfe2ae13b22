-- Ask for a phase: a run, its change set, event, audit row and dispatch job in one commit.
-- p_run: phase, to (queued or waiting_for_approval), options, permissions. Guarded by the version that
-- the caller decided on. Returns the flow row as it is now.
create function app.execute_flow(p_client uuid, p_engagement uuid, p_actor jsonb, p_flow uuid,
                                 p_version integer, p_run jsonb, p_inputs bytea)
returns app.crewai_flow_state_extensions language plpgsql set search_path = pg_catalog as $$
declare
    v_flow app.crewai_flow_state_extensions;
    v_from text;
begin
    perform app.begin(p_client, p_engagement, p_actor, null, 'none');
    v_flow := app.lock_flow(p_flow, p_version);
    v_from := v_flow.flow_status;
    perform app.require_move('execute', v_from, p_run ->> 'to');
    v_flow := app.open_run(v_flow, p_run, p_inputs);
    perform app.record_move(v_flow, 'execute', v_from,
                            case v_flow.flow_status when 'queued' then 'phase_queued' else 'approval_requested' end,
                            jsonb_build_object('attempt', 1));
    if v_flow.flow_status = 'queued' then
        perform app.enqueue_run(v_flow.flow_id, v_flow.run_id, 1, null);
    end if;
    return v_flow;
end $$;

-- Insert a run with its change set and make it the flow's current run; returns the moved flow row.
create function app.open_run(p_flow app.crewai_flow_state_extensions, p_run jsonb, p_inputs bytea)
returns app.crewai_flow_state_extensions language plpgsql set search_path = pg_catalog as $$
declare
    v_run uuid := gen_random_uuid();
    v_flow app.crewai_flow_state_extensions;
begin
    if p_flow.revert_pending then
        raise exception 'the changes of the failed run % are not reverted yet', p_flow.run_id using errcode = 'MF013';
    end if;
    insert into app.change_sets (id, kind, flow_id, phase, created_by)
    values (v_run, 'run', p_flow.flow_id, p_run ->> 'phase', app.actor_id());
    insert into app.phase_runs (id, flow_id, phase, iteration, status, change_set_id, requested_by,
                                permissions, inputs, options)
    values (v_run, p_flow.flow_id, p_run ->> 'phase', p_flow.iteration_number,
            case p_run ->> 'to' when 'queued' then 'queued' else 'pending' end, v_run, app.actor_id(),
            coalesce(p_run -> 'permissions', '[]'), p_inputs, coalesce(p_run -> 'options', '{}'));
    update app.crewai_flow_state_extensions f
    set flow_status = p_run ->> 'to', current_phase = p_run ->> 'phase', run_id = v_run, fence = null,
        job_id = null, version = f.version + 1, event_seq = f.event_seq + 1, updated_at = clock_timestamp(),
        updated_by = app.actor_id(), waiting_for = coalesce(p_run -> 'waiting_for', '{}')
    where f.flow_id = p_flow.flow_id returning * into v_flow;
    return v_flow;
end $$;

-- Start a run under a new fence. No row: the job is stale or doubled and the caller returns quietly.
-- A running flow is taken over when its job is ours again (its owner was declared dead) or when the
-- job of its owner has no live heartbeat.
create function app.start_run(p_client uuid, p_engagement uuid, p_actor jsonb, p_flow uuid, p_run uuid,
                              p_attempt integer, p_job bigint, p_fence bigint, p_heartbeat interval)
returns table (flow_type text, flow_version text, phase text, iteration integer, change_set_id uuid,
               requested_by text, permissions jsonb, inputs bytea, options jsonb, attempt integer,
               state bytea, configuration jsonb, phases_completed jsonb, steps jsonb, started_at timestamptz,
               takeovers integer)
language plpgsql set search_path = pg_catalog as $$
declare
    v_flow app.crewai_flow_state_extensions;
    v_from text;
begin
    perform app.begin(p_client, p_engagement, p_actor, null, 'none');
    select f.flow_status into v_from from app.crewai_flow_state_extensions f where f.flow_id = p_flow for no key update;
    update app.crewai_flow_state_extensions f
    set flow_status = 'running', fence = p_fence, job_id = p_job, version = f.version + 1,
        event_seq = f.event_seq + 1, updated_at = clock_timestamp()
    where f.client_account_id = p_client and f.engagement_id = p_engagement and f.flow_id = p_flow
      and f.run_id = p_run
      and exists (select 1 from app.phase_runs r where r.id = p_run and r.attempt = p_attempt)
      and (f.flow_status = 'queued' or (f.flow_status = 'running' and (f.job_id = p_job or not exists (
            select 1 from queue.pgqueuer q where q.id = f.job_id and q.status = 'picked'
              and q.heartbeat > clock_timestamp() - p_heartbeat))))
    returning * into v_flow;
    if not found then
        return;
    end if;
    update app.phase_runs r set status = 'running', started_at = coalesce(r.started_at, clock_timestamp()),
        due_at = null, takeovers = r.takeovers + (v_from = 'running')::integer where r.id = p_run;
    insert into app.checkpoints (flow_id, run_id, phase, kind, state, digest, phases_completed)
    values (p_flow, p_run, v_flow.current_phase, 'before', v_flow.flow_state, sha256(v_flow.flow_state),
            v_flow.phases_completed)
    on conflict do nothing;
    perform app.record_move(v_flow, 'start', v_from,
                            case v_from when 'running' then 'run_taken_over' else 'phase_started' end,
                            jsonb_build_object('attempt', p_attempt, 'worker', p_actor ->> 'id'));
    return query select v_flow.flow_type, v_flow.flow_version, r.phase, r.iteration, r.change_set_id,
        r.requested_by, r.permissions, r.inputs, r.options, r.attempt, v_flow.flow_state,
        v_flow.flow_configuration, v_flow.phases_completed,
        coalesce((select jsonb_agg(jsonb_build_object('step', s.step, 'handler', s.handler,
                  'outputs', encode(s.outputs, 'base64')) order by s.step) from app.run_steps s where s.run_id = p_run), '[]'),
        r.started_at, r.takeovers
    from app.phase_runs r where r.id = p_run;
end $$;

-- Finish a run in one commit: run, flow, checkpoint, event, audit, next run or retry job.
-- p_outcome: to, run_status, event, phases_completed, progress, waiting_for, error, validation,
-- execution_ms, resource_usage, next_phase, due_seconds (retry), next (run to open), steps (effect-free
-- steps not recorded yet). No row: the fence is stale, nothing was written.
create function app.finish_run(p_client uuid, p_engagement uuid, p_actor jsonb, p_flow uuid, p_run uuid,
                               p_fence bigint, p_outcome jsonb, p_outputs bytea, p_state bytea)
returns table (version integer, flow_status text) language plpgsql set search_path = pg_catalog as $$
declare
    v_flow app.crewai_flow_state_extensions;
    v_to text := p_outcome ->> 'to';
begin
    perform app.begin(p_client, p_engagement, p_actor, null, 'none');
    perform app.require_move('finish', 'running', v_to);
    update app.crewai_flow_state_extensions f
    set flow_status = v_to, fence = null, flow_state = coalesce(p_state, f.flow_state),
        phases_completed = coalesce(p_outcome -> 'phases_completed', f.phases_completed),
        progress_percentage = coalesce((p_outcome ->> 'progress')::double precision, f.progress_percentage),
        waiting_for = coalesce(p_outcome -> 'waiting_for', '{}'),
        revert_pending = coalesce((p_outcome ->> 'revert')::boolean, false),
        version = f.version + 1, event_seq = f.event_seq + 1, updated_at = clock_timestamp()
    where f.client_account_id = p_client and f.engagement_id = p_engagement and f.flow_id = p_flow
      and f.run_id = p_run and f.fence = p_fence and f.flow_status = 'running'
    returning * into v_flow;
    if not found then
        return;
    end if;
    insert into app.run_steps (run_id, step, handler, outputs)
    select p_run, (s ->> 'step')::integer, s ->> 'handler', decode(s ->> 'outputs', 'base64')
    from jsonb_array_elements(coalesce(p_outcome -> 'steps', '[]')) s
    on conflict do nothing;  -- recorded already by a step whose commit the worker did not hear of
    perform app.close_run(v_flow, p_outcome, p_outputs);
    perform app.record_move(v_flow, 'finish', 'running', p_outcome ->> 'event',
                            coalesce(p_outcome -> 'details', '{}'));
    if p_outcome ->> 'run_status' = 'queued' then
        perform app.enqueue_run(p_flow, p_run, r.attempt, r.due_at) from app.phase_runs r where r.id = p_run;
    elsif p_outcome ? 'next' then
        v_flow := app.continue_flow(v_flow, p_outcome -> 'next');
    end if;
    perform pg_notify('masterflow_events', concat_ws(',', p_client, p_engagement, p_flow, v_flow.event_seq));
    return query select v_flow.version, v_flow.flow_status;
end $$;

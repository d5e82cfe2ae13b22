-- Carry out a move that no worker is needed for: approve, reject, skip, pause, resume, cancel, iterate,
-- delete, restore. p_patch: phases_completed, progress, current_phase, waiting_for, status_before,
-- deletion_metadata, iteration, run_status, details, event. p_next: run to open after the move.
create function app.move_flow(p_client uuid, p_engagement uuid, p_actor jsonb, p_flow uuid, p_version integer,
                              p_action text, p_to text, p_patch jsonb, p_next jsonb)
returns app.crewai_flow_state_extensions language plpgsql set search_path = pg_catalog as $$
declare
    v_flow app.crewai_flow_state_extensions;
    v_from text;
    v_live boolean;  -- a cancelled flow has a run that has not ended: paused, or waiting for a retry
begin
    perform app.begin(p_client, p_engagement, p_actor, null, 'none');
    v_flow := app.lock_flow(p_flow, p_version);
    v_from := v_flow.flow_status;
    perform app.require_move(p_action, v_from, p_to);
    v_live := p_to = 'cancelled' and exists (select 1 from app.phase_runs r where r.id = v_flow.run_id
                                             and r.status in ('pending', 'queued', 'running'));
    update app.crewai_flow_state_extensions f
    set flow_status = p_to, fence = null,
        current_phase = coalesce(p_patch ->> 'current_phase', f.current_phase),
        phases_completed = coalesce(p_patch -> 'phases_completed', f.phases_completed),
        progress_percentage = coalesce((p_patch ->> 'progress')::double precision, f.progress_percentage),
        iteration_number = coalesce((p_patch ->> 'iteration')::integer, f.iteration_number),
        waiting_for = coalesce(p_patch -> 'waiting_for', '{}'),
        status_before = p_patch -> 'status_before',
        deletion_metadata = p_patch -> 'deletion_metadata',
        revert_pending = f.revert_pending or coalesce((p_patch ->> 'revert')::boolean, false) or v_live,
        version = f.version + 1, event_seq = f.event_seq + 1, updated_at = clock_timestamp(),
        updated_by = app.actor_id()
    where f.flow_id = p_flow returning * into v_flow;
    if v_live or p_patch ? 'run_status' then
        update app.phase_runs r
        set status = coalesce(p_patch ->> 'run_status', 'cancelled'),
            finished_at = case when p_patch ->> 'run_status' = 'queued' then null
                               else coalesce(r.finished_at, clock_timestamp()) end
        where r.id = v_flow.run_id;
        if p_patch ->> 'run_status' = 'cancelled' and not v_flow.revert_pending then
            update app.change_sets set status = 'sealed', sealed_at = clock_timestamp()
            where id = v_flow.run_id and status = 'open';
        end if;
    end if;
    perform app.record_move(v_flow, p_action, v_from, p_patch ->> 'event', coalesce(p_patch -> 'details', '{}'));
    if p_to = 'queued' then
        perform app.enqueue_run(p_flow, r.id, r.attempt, r.due_at) from app.phase_runs r where r.id = v_flow.run_id;
    elsif p_next is not null then
        v_flow := app.continue_flow(v_flow, p_next);
    end if;
    perform pg_notify('masterflow_events', concat_ws(',', p_client, p_engagement, p_flow, v_flow.event_seq));
    return v_flow;
end $$;

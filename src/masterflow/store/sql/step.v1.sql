-- Begin a step: context, open change set and the fence, in the transaction of the step's effects.
-- False: the run is no longer ours (taken over, cancelled, finished) and nothing may be written.
create function app.begin_step(p_client uuid, p_engagement uuid, p_actor jsonb, p_flow uuid, p_run uuid, p_fence bigint)
returns boolean language plpgsql set search_path = pg_catalog as $$
begin
    perform app.begin(p_client, p_engagement, p_actor, p_run, 'run');
    perform 1 from app.crewai_flow_state_extensions f
    where f.client_account_id = p_client and f.engagement_id = p_engagement and f.flow_id = p_flow
      and f.run_id = p_run and f.fence = p_fence and f.flow_status = 'running'
    for no key update;
    return found;
end $$;

-- Record a finished step; its key refuses a second record of the same step.
create function app.record_step(p_run uuid, p_step integer, p_handler text, p_outputs bytea)
returns void language sql set search_path = pg_catalog as $$
    insert into app.run_steps (run_id, step, handler, outputs) values (p_run, p_step, p_handler, p_outputs)
$$;

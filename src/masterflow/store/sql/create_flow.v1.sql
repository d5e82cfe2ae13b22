-- Create a flow in status initialized. p_flow: type, version, name, description, tags, configuration,
-- phase (the first one), parent_flow_id, metadata. The id is made here.
create function app.create_flow(p_client uuid, p_engagement uuid, p_actor jsonb, p_flow jsonb, p_state bytea)
returns app.crewai_flow_state_extensions language plpgsql set search_path = pg_catalog as $$
declare v_flow app.crewai_flow_state_extensions;
begin
    perform app.begin(p_client, p_engagement, p_actor, null, 'none');
    insert into app.crewai_flow_state_extensions
        (flow_id, flow_type, flow_version, user_id, flow_name, flow_description, flow_tags, flow_status,
         current_phase, flow_configuration, flow_state, parent_flow_id, flow_metadata, created_by, updated_by)
    values (coalesce((p_flow ->> 'flow_id')::uuid, gen_random_uuid()), p_flow ->> 'flow_type',
            p_flow ->> 'flow_version', app.actor_id(), p_flow ->> 'flow_name', p_flow ->> 'flow_description',
            coalesce(p_flow -> 'flow_tags', '[]'), 'initialized', p_flow ->> 'current_phase',
            coalesce(p_flow -> 'flow_configuration', '{}'), p_state, (p_flow ->> 'parent_flow_id')::uuid,
            coalesce(p_flow -> 'flow_metadata', '{}'), app.actor_id(), app.actor_id())
    returning * into v_flow;
    perform app.record_move(v_flow, 'create', null, 'flow_created',
                            jsonb_build_object('flow_type', v_flow.flow_type, 'flow_name', v_flow.flow_name));
    return v_flow;
end $$;

-- A flow row in its tenant context; no row when the engagement has no such flow.
create function app.read_flow(p_client uuid, p_engagement uuid, p_actor jsonb, p_flow uuid)
returns setof app.crewai_flow_state_extensions language plpgsql set search_path = pg_catalog as $$
begin
    perform app.enter(p_client, p_engagement, p_actor);
    return query select * from app.crewai_flow_state_extensions f
    where f.client_account_id = p_client and f.engagement_id = p_engagement and f.flow_id = p_flow;
end $$;

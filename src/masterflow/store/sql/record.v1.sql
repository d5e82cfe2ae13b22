-- Append one event and one audit row for a move of a flow; the caller holds the flow row's lock.
create function app.record_move(p_flow app.crewai_flow_state_extensions, p_action text, p_from text,
                                p_event text, p_details jsonb)
returns void language plpgsql set search_path = pg_catalog as $$
begin
    insert into app.flow_events (flow_id, seq, kind, payload, version)
    values (p_flow.flow_id, p_flow.event_seq, p_event,
            jsonb_build_object('status', p_flow.flow_status, 'phase', p_flow.current_phase,
                               'run_id', p_flow.run_id) || p_details, p_flow.version);
    insert into app.access_audit_log
        (user_id, action_type, resource_type, resource_id, result, from_status, to_status, version,
         ip_address, user_agent, request_id, details)
    values (app.actor_id(), p_action, 'flow', p_flow.flow_id::text, 'success', p_from, p_flow.flow_status,
            p_flow.version, app.actor() ->> 'ip', app.actor() ->> 'user_agent', app.actor() ->> 'request_id',
            p_details);
end $$;

-- Refuse a move that the life cycle table does not have.
create function app.require_move(p_action text, p_from text, p_to text)
returns void language plpgsql stable set search_path = pg_catalog as $$
begin
    if not exists (select 1 from app.flow_transitions
                   where action = p_action and from_status = p_from and to_status = p_to) then
        raise exception 'a flow in status % cannot %', p_from, p_action
            using errcode = 'MF011', detail = jsonb_build_object('action', p_action, 'from', p_from, 'to', p_to)::text;
    end if;
end $$;

-- Lock a flow row of the current engagement; a version that is given must be the current one.
create function app.lock_flow(p_flow uuid, p_version integer)
returns app.crewai_flow_state_extensions language plpgsql set search_path = pg_catalog as $$
declare v_flow app.crewai_flow_state_extensions;
begin
    select * into v_flow from app.crewai_flow_state_extensions
    where client_account_id = app.client_id() and engagement_id = app.engagement_id() and flow_id = p_flow
    for no key update;
    if not found then
        raise exception 'no such flow' using errcode = 'MF010';
    end if;
    if v_flow.version <> coalesce(p_version, v_flow.version) then
        raise exception 'the flow is at version %, not %', v_flow.version, p_version using errcode = 'MF012';
    end if;
    return v_flow;
end $$;

-- Close a human edit's change set; called before the commit of the edit.
create function app.seal_change_set(p_change_set uuid) returns void language sql
set search_path = pg_catalog as $$
    update app.change_sets set status = 'sealed', sealed_at = clock_timestamp()
    where client_account_id = app.client_id() and engagement_id = app.engagement_id() and id = p_change_set
      and status = 'open'
$$;

-- One audit row for an action on anything but a flow, in the transaction of the action.
create function app.record_audit(p_action text, p_type text, p_id text, p_result text, p_details jsonb)
returns void language sql set search_path = pg_catalog as $$
    insert into app.access_audit_log
        (user_id, action_type, resource_type, resource_id, result, ip_address, user_agent, request_id, details)
    values (app.actor_id(), p_action, p_type, p_id, p_result, app.actor() ->> 'ip',
            app.actor() ->> 'user_agent', app.actor() ->> 'request_id', p_details)
$$;

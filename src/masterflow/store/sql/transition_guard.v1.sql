-- The life cycle, enforced a second time: whatever statement moves a flow, the edge must exist and the
-- version must go up by exactly one.
create function app.check_flow_update() returns trigger language plpgsql set search_path = pg_catalog as $$
begin
    if new.flow_status <> old.flow_status and not exists (
        select 1 from app.flow_transitions where from_status = old.flow_status and to_status = new.flow_status) then
        raise exception 'no transition from % to %', old.flow_status, new.flow_status using errcode = 'MF011';
    end if;
    if new.version <> old.version + 1 then
        raise exception 'the version of a flow goes up by one, not from % to %', old.version, new.version
            using errcode = 'MF014';
    end if;
    return new;
end $$;

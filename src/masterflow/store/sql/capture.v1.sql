-- Columns of a table that a history row keeps: all but dropped and generated ones, in table order.
create function app.live_columns(p_table regclass) returns text[] language sql stable
set search_path = pg_catalog as $$
    select array_agg(quote_ident(attname) order by attnum) from pg_attribute
    where attrelid = p_table and attnum > 0 and not attisdropped and attgenerated = ''
$$;

-- History table of a captured table: the same columns, sequence, operation, change set; old images only.
create function app.create_history(p_table regclass) returns void language plpgsql as $$
declare
    v_name text := (select relname from pg_class where oid = p_table);
    v_history text := format('hist.%I', v_name);
begin
    execute format('create table %s as select 0::bigint as "~seq", ''I''::"char" as "~op", null::uuid as "~cs", %s
                    from %s with no data', v_history, array_to_string(app.live_columns(p_table), ','), p_table);
    execute format('alter table %s
        alter "~seq" set not null, alter "~seq" set default nextval(''app.change_seq''),
        alter "~op" set not null, alter "~cs" set not null, alter id set not null,
        alter client_account_id set not null, alter engagement_id set not null,
        add primary key (client_account_id, engagement_id, id, "~seq")', v_history);
    execute format('create index on %s (client_account_id, engagement_id, "~cs")', v_history);
    insert into app.captured_tables (table_name) values (v_name);
end $$;

-- Capture function and triggers; called again after each ALTER of the table.
create function app.create_capture(p_table regclass) returns void language plpgsql as $$
declare
    v_name text := (select relname from pg_class where oid = p_table);
    v_columns text := array_to_string(app.live_columns(p_table), ',');
    v_old text := 'o.' || array_to_string(app.live_columns(p_table), ',o.');
    v_function text := format('hist.%I', v_name || '_capture');
begin
    execute format($f$create or replace function %1$s() returns trigger language plpgsql security definer
        set search_path = pg_catalog as $b$
        begin
            if tg_op = 'INSERT' then
                insert into hist.%2$I ("~op", "~cs", client_account_id, engagement_id, id)
                select 'I', app.change_set_id(), n.client_account_id, n.engagement_id, n.id from new_rows n;
            else
                insert into hist.%2$I ("~op", "~cs", %3$s) select left(tg_op, 1)::"char", app.change_set_id(), %4$s
                from old_rows o;
            end if;
            return null;
        end $b$ $f$, v_function, v_name, v_columns, v_old);
    execute format('revoke execute on function %s() from public', v_function);  -- no trigger of a caller's own table
    execute format('create or replace trigger a_guard before insert or update or delete on %s
                    for each statement execute function app.guard()', p_table);
    execute format('create or replace trigger a_guard_truncate before truncate on %s
                    for each statement execute function app.guard()', p_table);
    execute format('create or replace trigger a_key before update on %s for each row when
                    (old.client_account_id <> new.client_account_id or old.engagement_id <> new.engagement_id
                     or old.id <> new.id) execute function app.refuse_key_change()', p_table);
    execute format('create or replace trigger z_insert after insert on %s referencing new table as new_rows
                    for each statement execute function %s()', p_table, v_function);
    execute format('create or replace trigger z_update after update on %s referencing old table as old_rows
                    for each statement execute function %s()', p_table, v_function);
    execute format('create or replace trigger z_delete after delete on %s referencing old table as old_rows
                    for each statement execute function %s()', p_table, v_function);
end $$;

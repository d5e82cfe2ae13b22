-- Net restore of one captured table: every row that the change sets touched gets its oldest image back.
-- Refused when a change outside the sets came later on the same row ("later" by the one sequence), unless
-- it holds no more: a reverted change set does not count, nor does the rollback that took it back.
create function app.undo_table(p_table text, p_sets uuid[])
returns table (removed bigint, changed bigint, restored bigint) language plpgsql as $$
declare
    v_live regclass := format('app.%I', p_table)::regclass;
    v_columns text := array_to_string(app.live_columns(v_live), ',');
    v_old text := 'f.' || array_to_string(app.live_columns(v_live), ',f.');
    v_now text := 'l.' || array_to_string(app.live_columns(v_live), ',l.');
    v_set text := (select string_agg(format('%1$s=f.%1$s', x), ',') from unnest(app.live_columns(v_live)) x
                   where x not in ('client_account_id', 'engagement_id', 'id'));
    v_key constant text := 'l.client_account_id=f.client_account_id and l.engagement_id=f.engagement_id and l.id=f.id';
    v_differs text := format('row(%s)::record operator(pg_catalog.*<>) row(%s)::record', v_now, v_old);
    v_later bigint;
begin
    drop table if exists pg_temp.undo_images;
    execute format('create temp table undo_images on commit drop as
        select distinct on (id) "~seq", "~op", %s from hist.%I
        where client_account_id = app.client_id() and engagement_id = app.engagement_id() and "~cs" = any($1)
        order by id, "~seq"', v_columns, p_table) using p_sets;
    -- Without these the planner may compare every image with every row: it thinks that policies leave one.
    create index on pg_temp.undo_images (id);
    analyze pg_temp.undo_images;
    execute format('select count(*) from pg_temp.undo_images f join hist.%1$I h using (client_account_id, engagement_id, id)
        where h."~seq" > f."~seq" and h."~cs" <> all($1) and not exists (
            select 1 from app.change_sets c
            where c.client_account_id = h.client_account_id and c.engagement_id = h.engagement_id and c.id = h."~cs"
              and (c.status = ''reverted'' and c.reverted_by <> all($1)
                   or c.status = ''sealed'' and c.kind = ''rollback'' and f."~seq" < all (
                      select t."~seq" from hist.%1$I t join app.change_sets s
                          on s.client_account_id = t.client_account_id and s.engagement_id = t.engagement_id and s.id = t."~cs"
                      where t.client_account_id = h.client_account_id and t.engagement_id = h.engagement_id
                        and t.id = h.id and s.reverted_by = c.id)))', p_table) into v_later using p_sets;
    if v_later > 0 then
        raise exception '% later changes on rows of % belong to other change sets', v_later, p_table
            using errcode = 'MF005', detail = p_table;
    end if;
    execute format('delete from %s l using pg_temp.undo_images f where %s and f."~op" = ''I''', v_live, v_key);
    get diagnostics removed = row_count;
    begin
        execute format('update %s l set %s from pg_temp.undo_images f where %s and f."~op" <> ''I'' and %s',
                       v_live, v_set, v_key, v_differs);
        get diagnostics changed = row_count;
    exception when unique_violation then  -- unique keys swapped: rewrite the rows, foreign keys are deferred
        execute format('delete from %s l using pg_temp.undo_images f where %s and %s', v_live, v_key, v_differs);
        get diagnostics changed = row_count;
    end;
    execute format('insert into %1$s (%2$s) select %3$s from pg_temp.undo_images f where f."~op" <> ''I''
        and not exists (select 1 from %1$s l where %4$s)', v_live, v_columns, v_old, v_key);
    get diagnostics restored = row_count;
    return next;
end $$;

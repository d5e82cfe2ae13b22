-- A dispatch job says only "run phase run X, attempt N"; a second one for the same attempt is skipped.
create function app.enqueue_run(p_flow uuid, p_run uuid, p_attempt integer, p_due timestamptz)
returns void language sql set search_path = pg_catalog as $$
    insert into queue.pgqueuer (priority, status, entrypoint, execute_after, dedupe_key, payload)
    values (0, 'queued', 'phase_run', coalesce(p_due, now()), p_run::text || ':' || p_attempt,
            convert_to(concat_ws(',', app.client_id(), app.engagement_id(), p_flow, p_run, p_attempt), 'UTF8'))
    on conflict (dedupe_key) where status in ('queued', 'picked') and dedupe_key is not null do nothing
$$;

-- Packed bytes as JSON where they are plain JSON; compressed ones show their size only.
create function app.unpacked(p_packed bytea) returns jsonb language sql immutable parallel safe as $$
    select case when p_packed is null then null
                when get_byte(p_packed, 0) = 74 then convert_from(substring(p_packed from 2), 'UTF8')::jsonb
                else jsonb_build_object('$packed', 'zstd', 'bytes', octet_length(p_packed)) end
$$;

-- Rows of reverted change sets are kept and hidden here.
create view app.current_raw_records with (security_invoker = true) as
select r.* from app.raw_import_records r
join app.change_sets c using (client_account_id, engagement_id)
where c.id = r.change_set_id and c.status <> 'reverted';

create view app.current_cleansed_records with (security_invoker = true) as
select r.* from app.cleansed_records r
join app.change_sets c using (client_account_id, engagement_id)
where c.id = r.change_set_id and c.status <> 'reverted';

create view app.current_quality_issues with (security_invoker = true) as
select r.* from app.quality_issues r
join app.change_sets c using (client_account_id, engagement_id)
where c.id = r.change_set_id and c.status <> 'reverted';

-- The master row with every column the older product had; growing ones aggregated from their logs.
create view app.master_flow_record with (security_invoker = true) as
select f.*, app.unpacked(f.flow_state) as flow_persistence_data, r.phase_results, r.validation_results,
       r.performance_metrics, r.phase_execution_times, r.resource_usage, r.memory_usage_metrics, r.error_log,
       i.agent_insights, i.agent_collaboration_log, p.learning_patterns, f.run_id as phase_flow_id,
       r.phase_progression
from app.crewai_flow_state_extensions f
cross join lateral (
    select coalesce(jsonb_object_agg(x.phase, app.unpacked(x.outputs) order by x.created_at) filter (where x.status = 'succeeded'), '{}') as phase_results,
           coalesce(jsonb_object_agg(x.phase, x.validation order by x.created_at) filter (where x.finished_at is not null), '{}') as validation_results,
           jsonb_build_object('runs', count(*), 'total_execution_time_ms', coalesce(sum(x.execution_time_ms), 0),
                              'failed_runs', count(*) filter (where x.status = 'failed')) as performance_metrics,
           coalesce(jsonb_object_agg(x.phase, x.execution_time_ms order by x.created_at) filter (where x.status = 'succeeded'), '{}') as phase_execution_times,
           coalesce(jsonb_object_agg(x.phase, x.resource_usage order by x.created_at) filter (where x.finished_at is not null), '{}') as resource_usage,
           coalesce(jsonb_object_agg(x.phase, x.resource_usage -> 'peak_memory_bytes' order by x.created_at) filter (where x.finished_at is not null), '{}') as memory_usage_metrics,
           coalesce(jsonb_agg(x.error order by x.created_at) filter (where x.error is not null), '[]') as error_log,
           coalesce(jsonb_agg(jsonb_build_object('run_id', x.id, 'phase', x.phase, 'status', x.status,
                    'iteration', x.iteration) order by x.created_at), '[]') as phase_progression
    from app.phase_runs x where x.client_account_id = f.client_account_id
      and x.engagement_id = f.engagement_id and x.flow_id = f.flow_id) r
cross join lateral (
    select coalesce(jsonb_agg(a.insight order by a.created_at), '[]') as agent_insights,
           coalesce(jsonb_agg(jsonb_build_object('phase', a.phase, 'run_id', a.run_id, 'at', a.created_at)
                    order by a.created_at), '[]') as agent_collaboration_log
    from app.agent_insights a where a.client_account_id = f.client_account_id
      and a.engagement_id = f.engagement_id and a.flow_id = f.flow_id) i
cross join lateral (
    select coalesce(jsonb_agg(l.pattern order by l.created_at), '[]') as learning_patterns
    from app.learning_patterns l where l.client_account_id = f.client_account_id
      and l.engagement_id = f.engagement_id and l.flow_id = f.flow_id) p;

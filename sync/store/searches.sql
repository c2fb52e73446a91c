-- name: prepare_session
-- Once a connection of the search: every search is planned by what it looks for.
select set_config('plan_cache_mode', 'force_custom_plan', false), set_config('jit', 'off', false)

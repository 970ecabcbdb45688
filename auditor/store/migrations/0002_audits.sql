-- Append-only: a new score is a new audit, a run's note is an event; the last one counts.
create table audit (no integer, id blob, run_id varchar, low double, high double, coverage double, rung varchar, ruleset varchar, body varchar);
create table event (no integer, run_id varchar, seen_at varchar, what varchar, detail varchar);

-- Runs of workflow engines that evidence tells of: which run knows them, and the scheduler's job numbers they name.
-- Filled as captures come in; no evidence of this kind is older than these tables.
create table engine_run (
    run_no integer,
    engine varchar,         -- system, id and folder: the same for every run that tells of it
    relation varchar,       -- `inside`: it began in that run; `task`: that run is one of its tasks; `folder`: its record lies near
    taken_at varchar
);
create table engine_job (run_no integer, engine varchar, job_id varchar);

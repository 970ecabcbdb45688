-- Times are ISO 8601 UTC text, as evidence carries them. Text is stored as the inside of a JSON string, so any Unicode survives.
-- Numbers (`no`) are ours and local to this file; ids are digests and mean the same everywhere.

create table capture (
    no integer, id blob, run_no integer, phase varchar, attempt bigint, schema bigint,
    job varchar,            -- canonical JSON of the Job, its script taken out
    script_no integer,      -- content: the script as a JSON string
    submitted varchar, label varchar, username varchar, name varchar,
    command varchar,        -- what was typed, numbers replaced by #
    shape varchar           -- hash over the script, numbers replaced: equal for look-alikes
);

create table run (
    no integer, id varchar, scheduler varchar, cluster varchar, job_id varchar, submission varchar,
    is_array boolean        -- the submission of an array: no run, but its captures hold for all tasks
);

-- Evidence data by content: a package list shared by a thousand runs is one row.
create table content (
    no integer, id blob,
    body varchar,           -- canonical JSON; where `split`, a DataManifest whose files are rows of `file`
    split boolean
);

create table evidence (
    id blob, run_no integer, probe varchar, version bigint, kind varchar, phase varchar, attempt bigint, status varchar,
    grade varchar, source varchar, reason varchar, taken_at varchar, host varchar,
    content_no integer      -- null: no data
);

create table file (
    content_no integer, place integer, role varchar, how varchar, kind varchar, path varchar, size bigint, mtime_ns bigint, sha256 blob
);

-- First 32 bits of each file's digest -> content, sorted; `file_key_tail` takes the new ones until it is worth sorting again.
create table file_key (key uinteger, content_no integer);
create table file_key_tail (key uinteger, content_no integer);

create table package (content_no integer, name varchar, version varchar);

create table accounting (
    run_no integer, taken_at varchar, final boolean, name varchar, username varchar, state varchar, submitted varchar,
    started varchar, ended varchar, elapsed double, core_seconds double, partition varchar, throttle bigint, line varchar
);

create table dependency (run_no integer, job_id varchar);

-- One row a spool file, in the transaction of its rows: killed in between, it is done or not done.
create table ledger (id blob, name varchar, capture_id blob);

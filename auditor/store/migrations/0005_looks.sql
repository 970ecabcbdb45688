-- What runs have in common is stored once, however often it is seen: a run is what differs.

-- What a piece of evidence says besides content, run, time and host is one of few things. Its id follows from its words, as always.
create table look (
    no integer, probe varchar, version bigint, kind varchar, phase varchar, attempt bigint, status varchar, grade varchar,
    source varchar, reason varchar
);
create table sight (run_no integer, look_no integer, taken_at varchar, host varchar, content_no integer);  -- no content: no data

insert into look select row_number() over () - 1, *
from (select distinct probe, version, kind, phase, attempt, status, grade, source, reason from evidence);
insert into sight select e.run_no, l.no, e.taken_at, e.host, e.content_no from evidence e join look l
using (probe, version, kind, phase, attempt, status, grade, source, reason) order by e.rowid;
drop table evidence;
create view evidence as select s.run_no, l.* exclude (no), s.taken_at, s.host, s.content_no from sight s join look l on l.no = s.look_no;

-- What a user submits again and again, and what each capture of it has of its own.
create table work (
    no integer,
    id blob,                -- sha256 over `job` and the script's id; null: taken over from the first form of `capture`
    job varchar,            -- canonical JSON of the Job without its script and what `run` and `taken` say
    script_no integer,      -- content: the script as a JSON string
    label varchar, username varchar, name varchar,
    command varchar,        -- what was typed, numbers replaced by #
    shape varchar           -- hash over the script, numbers replaced: equal for look-alikes
);
create table taken (
    no integer, id blob, run_no integer, phase varchar, attempt bigint, schema bigint, work_no integer,
    submitted varchar, started varchar, ended varchar  -- null: `job` says it
);
alter table capture rename to capture_old;
insert into work select no, null, job, script_no, label, username, name, command, shape from capture_old order by rowid;
insert into taken select no, id, run_no, phase, attempt, schema, no, submitted, null, null from capture_old order by rowid;
drop table capture_old;
create view capture as select t.no, t.id, t.run_no, t.phase, t.attempt, t.schema, w.job, w.script_no, t.submitted, w.label, w.username,
    w.name, w.command, w.shape, t.started, t.ended
from taken t join work w on w.no = t.work_no;

alter table ledger drop column capture_id;
